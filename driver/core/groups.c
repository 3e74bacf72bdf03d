#include "port.h"

// Multicast groups of an interface. Frames are matched against one sorted list, which is made anew of both sources at every change.

static GroupList *NewList(uint32_t room) { return CoreAllocate(sizeof(GroupList) + sizeof(Mac) * (size_t)room); }

static uint32_t CountOf(const GroupList *list) { return list == NULL ? 0 : list->Count; }

// The list has room for one more. False: it was there.
static bool Insert(GroupList *list, Mac group)
{
    uint32_t at = list->Count;
    while (at > 0 && list->Groups[at - 1] > group)
        at--;
    if (at > 0 && list->Groups[at - 1] == group)
        return false;
    memmove(list->Groups + at + 1, list->Groups + at, sizeof(Mac) * (list->Count - at));
    list->Groups[at] = group;
    list->Count++;
    return true;
}

static bool Has(const GroupList *list, Mac group)
{
    for (uint32_t i = 0; i < CountOf(list); i++) {
        if (list->Groups[i] == group)
            return true;
    }
    return false;
}

// Puts a new list in the place of one of the sources. Takes it, also where it fails.
static PortResult Replace(Port *port, VirtualInterface *changed, GroupList **source, GroupList *list)
{
    GroupList *other = source == &changed->StackGroups ? changed->GivenGroups : changed->StackGroups;
    GroupList *built = NewList(CountOf(list) + CountOf(other)), *old = changed->Groups;
    if (built == NULL) {
        CoreFree(list);
        return PortNoMemory;
    }
    for (uint32_t i = 0; i < CountOf(list); i++)
        (void)Insert(built, list->Groups[i]);
    for (uint32_t i = 0; i < CountOf(other); i++)
        (void)Insert(built, other->Groups[i]);
    if (*source != NULL)
        CoreFree(*source);
    *source = list;
    STORE(changed->Groups, built);
    if (old != NULL)
        EpochRetire(port->Epoch, &old->Retired, NULL);
    EpochCollect(port->Epoch);
    return PortOk;
}

PortResult PortSetGroups(Port *port, VirtualInterface *changed, const uint8_t *macs, uint32_t count)
{
    if (count > IPVLAN_MAX_GROUPS)
        return PortLimitReached;
    GroupList *list = NewList(count);
    if (list == NULL)
        return PortNoMemory;
    for (uint32_t i = 0; i < count; i++)
        (void)Insert(list, ReadMac(macs + (size_t)i * MacLength));
    return Replace(port, changed, &changed->StackGroups, list);
}

PortResult PortAddGroup(Port *port, VirtualInterface *changed, Mac group)
{
    uint32_t count = CountOf(changed->GivenGroups);
    // Twice is one membership (semantics 52).
    if (Has(changed->GivenGroups, group))
        return PortOk;
    if (count == IPVLAN_MAX_GROUPS)
        return PortLimitReached;
    GroupList *list = NewList(count + 1);
    if (list == NULL)
        return PortNoMemory;
    for (uint32_t i = 0; i < count; i++)
        (void)Insert(list, changed->GivenGroups->Groups[i]);
    (void)Insert(list, group);
    return Replace(port, changed, &changed->GivenGroups, list);
}

PortResult PortRemoveGroup(Port *port, VirtualInterface *changed, Mac group)
{
    if (!Has(changed->GivenGroups, group))
        return PortGroupAbsent;
    GroupList *list = NewList(changed->GivenGroups->Count);
    if (list == NULL)
        return PortNoMemory;
    for (uint32_t i = 0; i < changed->GivenGroups->Count; i++) {
        if (changed->GivenGroups->Groups[i] != group)
            (void)Insert(list, changed->GivenGroups->Groups[i]);
    }
    return Replace(port, changed, &changed->GivenGroups, list);
}

void GroupsFree(VirtualInterface *member)
{
    GroupList *all[] = {member->Groups, member->StackGroups, member->GivenGroups};
    for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i] != NULL)
            CoreFree(all[i]);
    }
}
