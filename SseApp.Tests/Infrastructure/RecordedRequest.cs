namespace SseApp.Tests.Infrastructure;

internal sealed record RecordedRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers);
