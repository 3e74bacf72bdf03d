namespace IpVlanWin.InstallerBuild;

/// <summary>The setup cannot be built, for a reason that whoever builds it can mend.</summary>
internal sealed class BuildException(string message) : InvalidOperationException(message);
