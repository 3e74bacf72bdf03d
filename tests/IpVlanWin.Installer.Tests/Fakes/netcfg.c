/*
 * netcfg.exe for Wine, which has none: takes the two lines that put a network filter in and take it out, as Windows' own does
 * (learn.microsoft.com, "netcfg"), and registers the driver's service as the INF would. Everything else is refused.
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define KEY "SYSTEM\\CurrentControlSet\\Services\\ipvlan"

static int refuse(const char *why)
{
    printf("%s\n", why);
    return 0x57;
}

static int put_in(const char *inf)
{
    HKEY key;

    if (GetFileAttributesA(inf) == INVALID_FILE_ATTRIBUTES)
        return refuse("no such INF");
    if (RegCreateKeyExA(HKEY_LOCAL_MACHINE, KEY, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL) != ERROR_SUCCESS)
        return refuse("no access");
    RegSetValueExA(key, "InfPath", 0, REG_SZ, (const BYTE *)inf, (DWORD)strlen(inf) + 1);
    RegCloseKey(key);
    return 0;
}

int main(int count, char **words)
{
    if (count == 8 && !strcmp(words[1], "-v") && !strcmp(words[2], "-l") && !strcmp(words[4], "-c") && !strcmp(words[5], "s") &&
        !strcmp(words[6], "-i") && !strcmp(words[7], "ipvlanwin"))
        return put_in(words[3]);
    if (count == 4 && !strcmp(words[1], "-v") && !strcmp(words[2], "-u") && !strcmp(words[3], "ipvlanwin"))
        return RegDeleteKeyA(HKEY_LOCAL_MACHINE, KEY) == ERROR_SUCCESS ? 0 : refuse("it is not in");
    return refuse("this line is not known");
}
