using System.Text;
using System.Xml;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// An instance as text, for the Hyper-V methods that take one (DSP0201 INSTANCE element, as WMI's own text form of it). Properties that
/// are left out keep their default.
/// </summary>
internal sealed class EmbeddedInstance(string className)
{
    private readonly List<(string Name, string Type, string[] Values, bool IsArray)> _properties = [];

    public EmbeddedInstance Set(string name, string value)
    {
        _properties.Add((name, "string", [value], false));
        return this;
    }

    public EmbeddedInstance Set(string name, ushort value)
    {
        _properties.Add((name, "uint16", [value.ToString(System.Globalization.CultureInfo.InvariantCulture)], false));
        return this;
    }

    public EmbeddedInstance Set(string name, params string[] values)
    {
        _properties.Add((name, "string", values, true));
        return this;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        // No declaration: the text is a string parameter, not a document with an encoding.
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, ConformanceLevel = ConformanceLevel.Fragment }))
        {
            xml.WriteStartElement("INSTANCE");
            xml.WriteAttributeString("CLASSNAME", className);
            foreach (var (name, type, values, isArray) in _properties)
            {
                xml.WriteStartElement(isArray ? "PROPERTY.ARRAY" : "PROPERTY");
                xml.WriteAttributeString("NAME", name);
                xml.WriteAttributeString("TYPE", type);
                if (isArray) xml.WriteStartElement("VALUE.ARRAY");
                foreach (var value in values) xml.WriteElementString("VALUE", value);
                if (isArray) xml.WriteEndElement();
                xml.WriteEndElement();
            }
            xml.WriteEndElement();
        }
        return text.ToString();
    }
}
