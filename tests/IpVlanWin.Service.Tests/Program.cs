using IpVlanWin.Service.Tests;

// Started by KillTests: writes for ever and says what is stored.
return args is ["write-for-ever", var folder] ? KillTests.WriteForEver(folder) : 1;
