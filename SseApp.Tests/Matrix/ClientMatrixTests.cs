namespace SseApp.Tests.Matrix;

/// <summary>
/// What people read streams with, each on its own stream: it opens, comes back after a cut, after a drain and after a refusal,
/// misses nothing, and never shows its user an event without data.
/// </summary>
[Collection<RunsAlone>]
public sealed class ClientMatrixTests(MatrixRound round) : IClassFixture<MatrixRound>
{
    public static TheoryData<string> Clients { get; } =
    [
        MatrixBrowser.Native, "event-source-polyfill", "reconnecting-eventsource", "sse.js",
        "eventsource", "undici", "@microsoft/fetch-event-source", "eventsource-parser", "eventsource-client", "launchdarkly-eventsource",
        "event-source-plus", "extended-eventsource",
        "Python", "Perl HTTP::Tiny", "Perl IO::Socket", "curl", "wget", ".NET SseParser",
    ];

    [LongTheory]
    [MemberData(nameof(Clients))]
    public Task It_opens_resumes_is_drained_and_refused_and_sees_no_empty_event(string name) =>
        round.PassedAsync(name, Clients.Select(client => client.Data));
}
