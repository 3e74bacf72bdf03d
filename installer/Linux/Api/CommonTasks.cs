using System.Xml.Linq;

namespace WixSharp.CommonTasks;

public static class GenericEntityExtensions
{
    /// <summary>A component for an entity, in the folder that holds it.</summary>
    public static XElement CreateAndInsertParentComponent(this WixEntity entity, ProcessingContext context)
    {
        var component = new XElement("Component", new XAttribute("Id", "Component." + entity.KnownId));
        context.XParent.Add(component);
        return component;
    }
}
