using System.Runtime.InteropServices;

namespace SseApp.Events.Log;

/// <summary>Where an event is stored; <paramref name="Repeated"/> when an earlier publish with the same key stored it.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct AppendResult(Position Position, bool Repeated);
