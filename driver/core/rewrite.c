#include "rewrite.h"

enum { MoreFragments = 0x2000, FragmentOffsetBits = 0x1fff, CopiedOption = 0x80, EndOfOptions = 0, NoOperation = 1 };

void RewriteRouted(uint8_t *frame, uint32_t length, Mac destination, Mac source)
{
    WriteMac(frame, destination);
    WriteMac(frame + MacLength, source);
    uint8_t *packet = frame + EtherHeaderLength;
    length -= EtherHeaderLength;
    if (Read16(frame + 12) == TypeIpv4) {
        Write16(packet + 2, length);
        ChecksumWriteIpv4(packet, Least((packet[0] & 15u) * 4, length));
    } else {
        Write16(packet + 4, length - Ipv6Length);
    }
}

bool FragmenterStart(Fragmenter *fragmenter, const uint8_t *frame, uint32_t length, uint32_t ipMtu)
{
    if (length < EtherHeaderLength + Ipv4MinLength)
        return false;
    uint32_t headerLength = (frame[EtherHeaderLength] & 15u) * 4;
    uint32_t payload = ipMtu < headerLength ? 0 : (ipMtu - headerLength) & ~7u;
    if (headerLength < Ipv4MinLength || length < EtherHeaderLength + headerLength || payload < 8)
        return false;
    *fragmenter = (Fragmenter){.Frame = frame, .Length = length, .HeaderLength = headerLength, .PayloadPerFragment = payload};
    return true;
}

static void BlankFirstOnlyOptions(uint8_t *options, uint32_t length)
{
    for (uint32_t i = 0; i < length && options[i] != EndOfOptions;) {
        if (options[i] == NoOperation) {
            i++;
            continue;
        }
        if (i + 1 >= length || options[i + 1] < 2 || i + options[i + 1] > length)
            return;
        uint32_t optionLength = options[i + 1];
        if ((options[i] & CopiedOption) == 0)
            memset(options + i, NoOperation, optionLength);
        i += optionLength;
    }
}

uint32_t FragmenterNext(Fragmenter *fragmenter, uint8_t *destination)
{
    uint32_t headers = EtherHeaderLength + fragmenter->HeaderLength;
    uint32_t whole = fragmenter->Length - headers;
    if (fragmenter->Done >= whole)
        return 0;
    uint32_t payload = Least(fragmenter->PayloadPerFragment, whole - fragmenter->Done);
    memcpy(destination, fragmenter->Frame, headers);
    memcpy(destination + headers, fragmenter->Frame + headers + fragmenter->Done, payload);
    uint8_t *packet = destination + EtherHeaderLength;
    uint32_t before = Read16(packet + 6);
    bool isLast = fragmenter->Done + payload == whole && (before & MoreFragments) == 0;
    uint32_t offset = (before & FragmentOffsetBits) + fragmenter->Done / 8;
    Write16(packet + 2, fragmenter->HeaderLength + payload);
    Write16(packet + 6, (offset & FragmentOffsetBits) | (isLast ? 0 : (uint32_t)MoreFragments));
    if (fragmenter->Done > 0)
        BlankFirstOnlyOptions(packet + Ipv4MinLength, fragmenter->HeaderLength - Ipv4MinLength);
    ChecksumWriteIpv4(packet, fragmenter->HeaderLength);
    fragmenter->Done += payload;
    return headers + payload;
}
