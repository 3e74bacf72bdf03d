using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>
/// Writes the help file out of what the code says: shapes from the attributes, texts from the documentation comments. The same code gives
/// the same bytes.
/// </summary>
internal sealed class MamlHelp
{
    public static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10";
    public static readonly XNamespace Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    public static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";
    private static readonly XNamespace s_items = "http://msh";

    private readonly Dictionary<string, XElement> _documented;

    /// <param name="documentation">The compiler's file of documentation comments.</param>
    public MamlHelp(string documentation) =>
        _documented = XDocument.Load(documentation).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!);

    public string Write()
    {
        var root = new XElement(
            s_items + "helpItems", new XAttribute("schema", "maml"), new XAttribute(XNamespace.Xmlns + "maml", Maml.NamespaceName),
            new XAttribute(XNamespace.Xmlns + "command", Command.NamespaceName), new XAttribute(XNamespace.Xmlns + "dev", Dev.NamespaceName),
            CmdletShape.All.Select(WriteCommand));
        var text = new StringBuilder();
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, NewLineChars = "\n", OmitXmlDeclaration = true }))
            new XDocument(root).Save(writer);
        return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + text + "\n";
    }

    private XElement WriteCommand(CmdletShape cmdlet)
    {
        var member = Member("T:" + cmdlet.Type.FullName);
        return new XElement(
            Command + "command",
            new XElement(Command + "details", new XElement(Command + "name", cmdlet.Name), Text(member, "summary"), new XElement(Command + "verb", cmdlet.Verb), new XElement(Command + "noun", cmdlet.Noun)),
            Text(member, "remarks"),
            new XElement(Command + "syntax", cmdlet.Sets.OrderBy(set => set != cmdlet.DefaultSet).Select(set => new XElement(
                Command + "syntaxItem", new XElement(Maml + "name", cmdlet.Name),
                cmdlet.Parameters.Where(one => one.IsIn(set)).OrderBy(one => one.In(set).Position ?? 99).ThenBy(one => !one.In(set).IsMandatory).Select(one => WriteParameter(one, one.In(set), isSyntax: true)),
                Common(cmdlet)))),
            new XElement(Command + "parameters", cmdlet.Parameters.OrderBy(one => one.Name, StringComparer.Ordinal).Select(one => WriteParameter(one, one.Uses[0], isSyntax: false)), Common(cmdlet)),
            new XElement(Command + "inputTypes", WriteType(cmdlet.Parameters.Any(one => one.Uses.Any(use => use.ByName)) ? "System.Management.Automation.PSObject" : "None", Command + "inputType",
                "Parameters are taken from the properties of objects that have their names.", cmdlet.Parameters.Any(one => one.Uses.Any(use => use.ByName)))),
            new XElement(Command + "returnValues", cmdlet.Outputs.Select(type => WriteType(type == typeof(void) ? "None" : type.FullName!, Command + "returnValue", "", false))),
            new XElement(Command + "examples", member.Elements("example").Select((example, index) => new XElement(
                Command + "example", new XElement(Maml + "title", string.Create(CultureInfo.InvariantCulture, $"Example {index + 1}")),
                new XElement(Dev + "code", Plain(example.Element("code")!)), new XElement(Dev + "remarks", new XElement(Maml + "para", Plain(example.Element("para")!)))))));
    }

    private XElement WriteParameter(ParameterShape parameter, ParameterUse use, bool isSyntax)
    {
        var declared = parameter.Property.DeclaringType!;
        var isSwitch = parameter.Type.Name == "SwitchParameter";
        return Parameter(
            parameter.Name, Text(Member($"P:{declared.FullName}.{parameter.Name}"), "summary"), use, parameter.Aliases, parameter.TakesWildcards,
            isSyntax && isSwitch ? null : WriteValues(parameter, isSyntax));
    }

    private static object[] WriteValues(ParameterShape parameter, bool isSyntax)
    {
        var value = new XElement(Command + "parameterValue", new XAttribute("required", "true"), new XAttribute("variableLength", parameter.Type.IsArray ? "true" : "false"), parameter.Type.Name);
        return isSyntax && parameter.Legal.Count > 0
            ? [new XElement(Command + "parameterValueGroup", parameter.Legal.Select(word => new XElement(Command + "parameterValue", new XAttribute("required", "false"), new XAttribute("variableLength", "false"), word)))]
            : [value];
    }

    private static IEnumerable<XElement> Common(CmdletShape cmdlet)
    {
        var use = new ParameterUse(null, false, null, false, false);
        if (cmdlet.Changes)
        {
            yield return Parameter("WhatIf", Paragraph("Says what would be done, and does nothing."), use, ["wi"], false, null);
            yield return Parameter("Confirm", Paragraph("Asks before each change."), use, ["cf"], false, null);
        }
    }

    private static XElement Parameter(string name, XElement text, ParameterUse use, IReadOnlyList<string> aliases, bool takesWildcards, object[]? values) => new(
        Command + "parameter", new XAttribute("required", use.IsMandatory ? "true" : "false"), new XAttribute("variableLength", "true"),
        new XAttribute("globbing", takesWildcards ? "true" : "false"), new XAttribute("pipelineInput", use.ByName ? "True (ByPropertyName)" : "False"),
        new XAttribute("position", use.Position?.ToString(CultureInfo.InvariantCulture) ?? "named"), new XAttribute("aliases", aliases.Count == 0 ? "none" : string.Join(", ", aliases)),
        new XElement(Maml + "name", name), text, values);

    private static XElement WriteType(string name, XName element, string text, bool isSaid) =>
        new(element, new XElement(Dev + "type", new XElement(Maml + "name", name)), isSaid ? Paragraph(text) : null);

    private static XElement Paragraph(string text) => new(Maml + "description", new XElement(Maml + "para", text));

    private static XElement Text(XElement member, string part) =>
        Paragraph(Plain(member.Element(part) ?? throw new InvalidOperationException($"{member.Attribute("name")} has no {part}")));

    private static string Plain(XElement element) => string.Join(' ', element.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private XElement Member(string name) => _documented.GetValueOrDefault(name) ?? throw new InvalidOperationException($"{name} is not documented");
}
