using System.Buffers.Binary;
namespace IpVlanWin.Engine.Wire;
#pragma warning disable CS1591
public static class Checksum { public static ushort Compute(ReadOnlySpan<byte> b){ uint s=0; int i=0; for(;i+1<b.Length;i+=2) s+=BinaryPrimitives.ReadUInt16BigEndian(b[i..]); if(i<b.Length) s+=(uint)b[i]<<8; while(s>>16!=0) s=(s&0xffff)+(s>>16); return (ushort)~s; }
 public static bool IsIpv4HeaderIntact(ReadOnlySpan<byte> header) => Compute(header)==0; public static void WriteIpv4Header(Span<byte> header) { header[10]=header[11]=0; BinaryPrimitives.WriteUInt16BigEndian(header[10..], Compute(header)); } 
 public static ushort PseudoHeader(ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, byte protocol, int length) => 0; public static ushort Compute(ReadOnlySpan<byte> b, ushort i)=>0; }
public ref struct Segmenter { public static int SegmentFrameLength(ReadOnlySpan<byte> frame, in FrameOffload offload) => offload.Segmentation==SegmentationKind.None? frame.Length : frame.Length; }
