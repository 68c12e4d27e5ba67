using System.Runtime.InteropServices;

namespace SseApp.Events.Log;

/// <summary>What this replica knows of a topic's log from its own publishes.</summary>
/// <param name="Newest">The newest event that was stored.</param>
/// <param name="ExpirySetAt">When the log's expiry was set, a timestamp of the TimeProvider; 0 for never.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct KnownTopic(Position Newest, long ExpirySetAt);
