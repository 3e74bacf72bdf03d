namespace IpVlanWin.Service.Lifetime;

/// <summary>The command line or the settings file is wrong; the message is one sentence that lists what is legal.</summary>
internal sealed class SettingsException(string message, Exception? cause = null) : Exception(message, cause);
