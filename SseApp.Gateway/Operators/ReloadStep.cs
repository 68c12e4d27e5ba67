namespace SseApp.Gateway.Operators;

/// <summary>The reload of one replica.</summary>
/// <param name="Replica">Id of the process that is replaced.</param>
/// <param name="State">How far it is.</param>
/// <param name="Streams">Streams it held when its turn came.</param>
/// <param name="Seconds">What its turn took; null before its end.</param>
internal sealed record ReloadStep(string Replica, ReloadState State, int Streams = 0, double? Seconds = null);
