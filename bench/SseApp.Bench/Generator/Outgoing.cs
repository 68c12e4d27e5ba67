using System.Runtime.InteropServices;

namespace SseApp.Bench.Generator;

/// <summary>One event on its way to the server; number 0 is a warm-up that no one counts.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Outgoing(Lane Lane, long Sequence);
