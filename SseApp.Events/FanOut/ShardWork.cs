using System.Runtime.InteropServices;

namespace SseApp.Events.FanOut;

/// <summary>One item of a shard's queue. The meaning of the two references depends on the kind.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ShardWork(ShardWorkKind Kind, object? Target = null, object? Value = null);
