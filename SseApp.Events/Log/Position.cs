using System.Runtime.InteropServices;

namespace SseApp.Events.Log;

/// <summary>A place in a topic's log: everything up to and including <paramref name="Offset"/> was seen.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Position(Epoch Epoch, long Offset);
