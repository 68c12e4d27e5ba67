namespace SseApp.Bench;

/// <summary>A run cannot go on; the message says why and what to do.</summary>
internal sealed class BenchException(string message, Exception? innerException = null) : Exception(message, innerException);
