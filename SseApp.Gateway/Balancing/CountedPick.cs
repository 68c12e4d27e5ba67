namespace SseApp.Gateway.Balancing;

/// <summary>A feature of a request: the policy has counted it for this destination already.</summary>
/// <param name="Key">The destination in the <see cref="LoadLedger"/>.</param>
/// <param name="IsStream">Whether it was counted as a stream.</param>
internal sealed record CountedPick(string Key, bool IsStream);
