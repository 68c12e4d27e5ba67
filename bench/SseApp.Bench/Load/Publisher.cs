using System.Diagnostics;

namespace SseApp.Bench.Load;

/// <summary>Publishes at a steady rate over the topics in turn; a publish that is late is not skipped.</summary>
internal sealed class Publisher(LoadOptions options, Func<int, string> topicName)
{
    private readonly long[] _accepted = new long[options.Topics];

    public long Total => _accepted.Sum();

    public long Failed { get; private set; }

    /// <summary>Events of this topic that the server took.</summary>
    public long Accepted(int topic) => _accepted[topic];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var client = new HttpClient { BaseAddress = options.Url, Timeout = TimeSpan.FromSeconds(10) };
        var total = (long)(options.Rate * options.Duration.TotalSeconds);
        var started = Stopwatch.GetTimestamp();
        for (long i = 0; i < total; i++)
        {
            var due = TimeSpan.FromSeconds((double)i / options.Rate) - Stopwatch.GetElapsedTime(started);
            if (due > TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(due, TimeProvider.System, cancellationToken);
            }

            var topic = (int)(i % options.Topics);
            using var content = new StringContent(Payload.Create(_accepted[topic] + 1, options.Size));
            using var answer = await client.PostAsync($"/topics/{topicName(topic)}/events", content, cancellationToken);
            if (answer.IsSuccessStatusCode)
            {
                _accepted[topic]++;
            }
            else
            {
                // The next publish takes the number again, so a refused one leaves no hole.
                Failed++;
            }
        }
    }
}
