using System.CommandLine;

namespace SseApp.Bench.Load;

/// <summary><c>load</c>: N streams over T topics, a steady publish, and what came of it.</summary>
internal static class LoadCommand
{
    public static Command Create()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "Gateway or replica, plain http: the generator writes to raw sockets.",
            DefaultValueFactory = _ => new Uri("http://localhost:8080"),
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var parsed) && parsed.Scheme == Uri.UriSchemeHttp)
                {
                    return parsed;
                }

                result.AddError($"--url must be an absolute http address such as http://localhost:8080, not '{result.Tokens[0].Value}'.");
                return null;
            },
        };
        var streams = Cli.Number("--streams", "Streams to hold open.", 300, 1, 20_000);
        var topics = Cli.Number("--topics", "Topics to spread them over.", 1, 1, 20_000);
        var rate = Cli.Number("--rate", "Publishes a second.", 20, 1, 100_000);
        var seconds = Cli.Number("--seconds", "Length of the publishing phase.", 10, 1, 600);
        var size = Cli.Number("--size", "Bytes of data in an event.", 100, 48, 65_536);
        var command = new Command("load", "Hold streams open, publish at a steady rate, check that nothing is lost, repeated or reordered.")
        {
            url, streams, topics, rate, seconds, size,
        };
        command.SetAction((result, cancellationToken) => LoadRunner.RunAsync(
            new LoadOptions(
                result.GetRequiredValue(url),
                result.GetRequiredValue(streams),
                result.GetRequiredValue(topics),
                result.GetRequiredValue(rate),
                TimeSpan.FromSeconds(result.GetRequiredValue(seconds)),
                result.GetRequiredValue(size)),
            cancellationToken));
        return command;
    }
}
