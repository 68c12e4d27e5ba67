namespace SseApp.Gateway.Operators;

/// <summary>Answer to a disconnect.</summary>
/// <param name="Disconnected">Streams that are being ended, on all replicas.</param>
/// <param name="Unreachable">Replicas that did not answer; whether they ended streams is not known.</param>
internal sealed record DisconnectView(int Disconnected, string[] Unreachable);
