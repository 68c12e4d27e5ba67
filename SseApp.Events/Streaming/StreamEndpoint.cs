using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.Events.Replicas;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults.Health;

namespace SseApp.Events.Streaming;

/// <summary><c>GET /events</c>: checks the request, subscribes, hands the response to a shard, and waits for its end.</summary>
internal sealed class StreamEndpoint(
    TopicHubs hubs,
    ShardSet shards,
    DrainState drain,
    RedisStatus redis,
    ReplicaIdentity replica,
    StreamRefusal refusal,
    StreamWriterFactory writers,
    EventsMetrics metrics,
    TimeProvider time,
    IOptions<StreamingOptions> options)
{
    private readonly StreamingOptions _options = options.Value;

    public async Task HandleAsync(HttpContext context)
    {
        var names = context.Request.Query["topic"];
        if (Validate(names) is { } rule)
        {
            await Problems.BadRequest("The topics of the stream are not valid.", rule).ExecuteAsync(context);
            return;
        }

        var topics = new TopicSet(names!);
        var (origin, broken) = StreamOriginParser.Parse(context.Request, topics);
        if (broken is not null)
        {
            await Problems.BadRequest("The start of the stream is not valid.", broken).ExecuteAsync(context);
            return;
        }

        if (drain.IsDraining)
        {
            await refusal.WriteAsync(context, RefusalReason.Draining);
        }
        else if (!redis.IsConnected)
        {
            await refusal.WriteAsync(context, RefusalReason.Redis);
        }
        else if (!metrics.TryAddConnection(_options.MaxConnections))
        {
            await refusal.WriteAsync(context, RefusalReason.ConnectionLimit);
        }
        else
        {
            try
            {
                await SubscribeAsync(context, topics, origin);
            }
            finally
            {
                metrics.RemoveConnection();
            }
        }
    }

    private string? Validate(StringValues names)
    {
        if (names.Count == 0)
        {
            return "A stream needs at least one topic: GET /events?topic=news&topic=prices.";
        }

        if (names.Distinct(StringComparer.Ordinal).Count() > _options.MaxTopics)
        {
            return string.Create(CultureInfo.InvariantCulture, $"A stream has at most {_options.MaxTopics} topics.");
        }

        return names.All(TopicName.IsValid) ? null : TopicName.Rule;
    }

    private async Task SubscribeAsync(HttpContext context, TopicSet topics, StreamOrigin origin)
    {
        var acquired = new List<TopicHub>(topics.Count);
        try
        {
            var acquiring = Array.ConvertAll(
                topics.Names, name => hubs.AcquireAsync(name, _options.SubscribeTimeout, context.RequestAborted));
            await ((Task)Task.WhenAll(acquiring)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            acquired.AddRange(acquiring.Where(task => task.IsCompletedSuccessfully).Select(task => task.Result));
            await Task.WhenAll(acquiring);
            var starts = origin.IsLive ? null : await FindStartsAsync(acquired, origin, context.RequestAborted);
            await StreamAsync(context, topics, acquired, starts, resumed: origin.Positions is not null && Array.TrueForAll(starts!, start => start.Gap is null));
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) && !context.Response.HasStarted)
        {
            await refusal.WriteAsync(context, RefusalReason.Redis);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left before the stream was open.
        }
        finally
        {
            acquired.ForEach(hubs.Release);
        }
    }

    private Task<StreamStart[]> FindStartsAsync(List<TopicHub> acquired, StreamOrigin origin, CancellationToken cancellationToken)
    {
        var markBits = PositionCodec.MarkBits(acquired.Count);
        // All topics are asked before the first answer is awaited.
        Task<StreamStart>[] finding = [.. acquired.Select((hub, slot) => hub.FindStartAsync(origin, slot, markBits))];
        return Task.WhenAll(finding).WaitAsync(_options.SubscribeTimeout, time, cancellationToken);
    }

    private async Task StreamAsync(HttpContext context, TopicSet topics, List<TopicHub> acquired, StreamStart[]? starts, bool resumed)
    {
        StreamResponse.Prepare(context);
        var writer = await writers.StartAsync(context);

        var opened = new StreamOpened(
            Random.Shared.NextInt64().ToString("x16", CultureInfo.InvariantCulture), replica.Id, topics.Names, resumed);
        var index = shards.NextIndex();
        var shard = shards.All[index];
        var connection = new StreamConnection(
            writer,
            topics,
            [.. acquired.Select(hub => hub.MembersIn(index))],
            starts,
            JsonSerializer.SerializeToUtf8Bytes(opened, StreamingJsonContext.Default.StreamOpened));
        metrics.Opened();
        shard.Post(ShardWorkKind.Join, connection);
        string reason;
        await using (context.RequestAborted.UnsafeRegister(_ => shard.Post(ShardWorkKind.Close, connection, CloseReason.Client), null))
        {
            reason = await connection.Completion;
        }

        metrics.Closed(reason);
    }
}
