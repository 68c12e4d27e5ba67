using SseApp.Cli.Gateway;
using SseApp.Cli.Output;
using SseApp.Cli.Positions;

namespace SseApp.Cli.Commands;

/// <summary><c>sse publish</c>: one event.</summary>
internal static class PublishCommand
{
    // A gateway takes no more (Limits:MaxRequestBodyBytes); that of an event is smaller still.
    private const int MaxInput = 16 * 1024 * 1024;

    public static Command Create(Shared shared)
    {
        var topic = new Argument<string>("topic") { Description = "Where to." };
        var data = new Argument<string>("data") { Description = "The data of the event; '-' or nothing: standard input, without the line end at its end.", DefaultValueFactory = _ => "-" };
        shared.MayBeEmpty(data);
        var type = new Option<string?>("--type") { Description = "Type of the event; default: message.", HelpName = "type" };
        var key = new Option<string?>("--key") { Description = "Event key: what the event is about, for topics that conflate.", HelpName = "key" };
        var id = new Option<string?>("--id") { Description = "Idempotency key: published again with the same one within five minutes, it is stored once.", HelpName = "key" };
        return shared.ForClients(new Command("publish", "Publishes one event, and says when it is stored.") { topic, data, type, key, id }, async (parsed, client, printer, cancellationToken) =>
        {
            var name = parsed.GetValue(topic)!;
            TopicNames.Check(name);
            using var content = new ByteArrayContent(await DataAsync(parsed.GetValue(data)!, shared.Host, cancellationToken));
            content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue("text/plain", "utf-8");
            List<string> query = [];
            Add(query, "event", parsed.GetValue(type));
            Add(query, "key", parsed.GetValue(key));
            JsonElement stored;
            try
            {
                stored = await client.SendAsync(
                    HttpMethod.Post,
                    $"/topics/{Uri.EscapeDataString(name)}/events{(query.Count > 0 ? "?" : "")}{string.Join('&', query)}",
                    request =>
                    {
                        request.Content = content;
                        if (parsed.GetValue(id) is { } idempotency && !request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotency))
                        {
                            throw ToolException.Usage("--id has 1 to 200 visible ASCII characters.");
                        }
                    },
                    cancellationToken);
            }
            catch (ToolException failure) when (failure.Reason is "timeout" or "unreachable" && !failure.IsUnsent && parsed.GetValue(id) is null)
            {
                throw new ToolException(failure.Code, failure.Reason, $"{failure.Message} If it was reached, the event may be stored: with --id it could be published again without being stored twice.");
            }

            if (printer.IsJson)
            {
                printer.Json(stored.WriteTo);
            }
            else
            {
                printer.Line($"{SafeText.Of(stored.Text("topic") ?? name)}@{stored.Long("offset").ToString(CultureInfo.InvariantCulture)} {SafeText.Of(stored.Text("id") ?? "")}");
            }

            return ExitCode.Ok;
        });
    }

    private static void Add(List<string> query, string name, string? value)
    {
        if (value is not null)
        {
            query.Add($"{name}={Uri.EscapeDataString(value)}");
        }
    }

    private static async Task<byte[]> DataAsync(string data, ToolHost host, CancellationToken cancellationToken)
    {
        if (data != "-")
        {
            return Encoding.UTF8.GetBytes(data);
        }

        if (host.IsInputTerminal)
        {
            await host.Error.WriteLineAsync("sse: Type the data of the event, and Ctrl+D at the end.");
        }

        using var input = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await host.Input.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            input.Write(buffer, 0, read);
            if (input.Length > MaxInput)
            {
                throw ToolException.Usage("Standard input has more than 16 MiB; an event has at most 65 529 bytes, unless the service is set to take more.");
            }
        }

        // echo and editors put it there; an EventSource would get an empty last line.
        var bytes = input.ToArray().AsSpan();
        bytes = bytes.EndsWith("\r\n"u8) ? bytes[..^2] : bytes.EndsWith("\n"u8) ? bytes[..^1] : bytes;
        return bytes.ToArray();
    }
}
