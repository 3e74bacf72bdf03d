using System.Xml.Linq;
using WixSharp;
using WixSharp.CommonTasks;

namespace IpVlanWin.Setup;

/// <summary>
/// A folder with an access list of its own: WiX's core element PermissionEx, which becomes table MsiLockPermissionsEx (Windows Installer 5).
/// WixSharp's own permissions would need an extension.
/// </summary>
/// <param name="sddl">The access list.</param>
internal sealed class FolderSecurity(string sddl) : WixEntity, IGenericEntity
{
    /// <inheritdoc/>
    public void Process(ProcessingContext context)
    {
        var component = this.CreateAndInsertParentComponent(context);
        component.SetAttributeValue("Guid", Product.ComponentGuid("folder/" + Id));
        component.Add(new XElement("CreateFolder", new XElement("PermissionEx", new XAttribute("Id", Id), new XAttribute("Sddl", sddl))));
    }
}
