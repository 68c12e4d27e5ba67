namespace SseApp.Events.Publishing;

/// <summary>Answer of <c>POST /publish</c>: results in the order of the items.</summary>
internal sealed record BatchResult(int Stored, int Failed, BatchItemResult[] Results);
