namespace SseApp.Bench.Reload;

/// <summary>The load during a rolling reload.</summary>
/// <param name="Gateway">The gateway, plain http on this machine.</param>
/// <param name="Operators">The gateway's listener for operators, and the key for it.</param>
/// <param name="Streams">Streams that behave as EventSources do.</param>
/// <param name="Topics">Topics they are spread over.</param>
/// <param name="Rate">Events a second, over all topics.</param>
/// <param name="Window">The replicas' drain window.</param>
internal sealed record ReloadLoad(Uri Gateway, (Uri Address, string Key) Operators, int Streams, int Topics, int Rate, TimeSpan Window);
