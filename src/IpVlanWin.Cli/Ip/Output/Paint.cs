namespace IpVlanWin.Cli.Ip.Output;

/// <summary>The colors of -c: names cyan, MACs yellow, IPv4 magenta, IPv6 blue, states green or red.</summary>
internal sealed class Paint
{
    private readonly bool _isOn;

    public Paint(GlobalOptions options) => _isOn = !options.IsJson && options.Color switch { "always" => true, "auto" => !Console.IsOutputRedirected, _ => false };

    public string Name(string text) => Put("36", text);

    public string Mac(string text) => Put("33", text);

    public string Address(string text, bool isSix) => Put(isSix ? "34" : "35", text);

    public string State(string text) => text switch { "UP" => Put("32", text), "DOWN" => Put("31", text), _ => text };

    private string Put(string color, string text) => _isOn ? $"\e[{color}m{text}\e[0m" : text;
}
