using System.Runtime.InteropServices;
using Yarp.ReverseProxy.Forwarder;

namespace SseApp.Gateway.Relay;

/// <summary>A stream whose response has begun, or why there is none.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RelayAttempt(RelayClientStream? Stream, RelayClientConnection? Link, ForwarderError Error);
