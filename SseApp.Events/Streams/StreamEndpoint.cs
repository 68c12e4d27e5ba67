using Microsoft.Extensions.Primitives;
using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.Events.Replicas;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Events.Streams;

/// <summary><c>GET /events</c>: checks the request, subscribes, hands the response to a shard, and waits for its end.</summary>
internal sealed class StreamEndpoint(
    TopicHubs hubs,
    ShardSet shards,
    DrainState drain,
    RedisStatus redis,
    ReplicaIdentity replica,
    StreamRefusal refusal,
    CredentialService credentials,
    AccessRefusal access,
    StreamWriterFactory writers,
    TicketStreams tickets,
    TicketStore ticketStore,
    Rebalancer rebalancer,
    EventsMetrics metrics,
    HistorySearch search,
    DescriptorBudget descriptors,
    RetrySpread spread,
    TimeProvider time,
    IOptions<StreamingOptions> options)
{
    private readonly StreamingOptions _options = options.Value;

    public Task HandleAsync(HttpContext context)
    {
        // Not the request's own, which would be kept as long as the stream.
        var query = new QueryFeature(context.Features).Query;
        var names = query["topic"];
        if (Validate(names, Caller.IsCanary(context)) is { } rule)
        {
            return Problems.BadRequest("The topics of the stream are not valid.", rule).ExecuteAsync(context);
        }

        var topics = new TopicSet(names!);
        var principal = Caller.Of(context);
        var ticket = context.Features.GetRequiredFeature<Caller>().Ticket;
        if (ticket is not null && !topics.Names.AsSpan().SequenceEqual(ticket.Topics))
        {
            return access.WriteAsync(context, AuthReason.TokenInvalid, "The ticket is for other topics: it opens a stream of exactly those that it was made for.");
        }

        if (credentials.DeniedOf(principal, topics.Names) is { } denied)
        {
            return access.WriteDeniedAsync(context, principal, denied);
        }

        if (principal.IsEnding(time.GetUtcNow()))
        {
            return access.WriteAsync(context, AuthReason.TokenExpired, ticket is null ? "The token has expired." : "The ticket has come to its end. Ask for another one with POST /tickets.");
        }

        var (resumePoint, broken) = ResumePointParser.Parse(context.Request.Headers, query, topics);
        if (broken is not null)
        {
            return Problems.BadRequest("The start of the stream is not valid.", broken).ExecuteAsync(context);
        }

        if (context.Request.Headers["Last-Event-ID"] == StreamClosed.Id)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        }

        if (!EventStreams.IsAcceptable(context.Request))
        {
            return Problems.NotAcceptable("This path answers with a stream of events, which Accept leaves out: send text/event-stream, */*, or no Accept.").ExecuteAsync(context);
        }

        if (drain.IsDraining)
        {
            return refusal.WriteAsync(context, RefusalReason.Draining);
        }

        if (!redis.IsConnected)
        {
            return refusal.WriteAsync(context, RefusalReason.Redis);
        }

        if (HttpMethods.IsHead(context.Request.Method))
        {
            if (metrics.ActiveConnections >= _options.MaxConnections && !topics.IsCanary)
            {
                return refusal.WriteAsync(context, RefusalReason.ConnectionLimit);
            }

            if (ticket is not null)
            {
                return AskAsync(context, ticket);
            }

            EventStreams.Prepare(context);
            return Task.CompletedTask;
        }

        if (!topics.IsCanary && !metrics.TryAddConnection(_options.MaxConnections))
        {
            return refusal.WriteAsync(context, RefusalReason.ConnectionLimit);
        }

        if (!descriptors.TryEnterStream(context))
        {
            Leave(topics);
            return refusal.WriteAsync(context, RefusalReason.OpenFiles);
        }

        // The last question, because what it takes is not given back.
        if (!topics.IsCanary && !hubs.TryAdmit(topics.Names))
        {
            descriptors.LeaveStream(context);
            Leave(topics);
            return refusal.WriteAsync(context, RefusalReason.Topics);
        }

        return StreamAsync(context, topics, resumePoint, ticket);
    }

    private void Leave(TopicSet topics)
    {
        if (!topics.IsCanary)
        {
            metrics.RemoveConnection();
        }
    }

    /// <summary>What <c>HEAD</c> would be answered as a stream; the ticket stays as it is.</summary>
    private async Task AskAsync(HttpContext context, Ticket ticket)
    {
        try
        {
            var use = await ticketStore.OpenAsync(ticket, null, ClientOrigin.Of(context), ComesBack(context));
            if (use.Reason is { } reason)
            {
                await access.WriteAsync(context, reason, use.Detail!);
                return;
            }

            EventStreams.Prepare(context);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            await refusal.WriteAsync(context, RefusalReason.Redis);
        }
    }

    /// <returns>Null when the ticket opens no stream; the client got a refusal.</returns>
    private async Task<TicketStream?> TakeAsync(HttpContext context, Ticket ticket)
    {
        try
        {
            var (stream, use) = await tickets.TakeAsync(ticket, ClientOrigin.Of(context), ComesBack(context));
            if (stream is null)
            {
                await access.WriteAsync(context, use.Reason!, use.Detail!);
            }

            return stream;
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            await refusal.WriteAsync(context, RefusalReason.Redis);
            return null;
        }
    }

    // The header alone: the query of an EventSource is the same each time.
    private static bool ComesBack(HttpContext context) => context.Request.Headers["Last-Event-ID"] is [{ Length: > 0 }];

    private string? Validate(StringValues names, bool isCanary)
    {
        if (names.Count == 0)
        {
            return "A stream needs at least one topic: GET /events?topic=news&topic=prices.";
        }

        if (names.Count > _options.MaxTopics && names.Distinct(StringComparer.Ordinal).Count() > _options.MaxTopics)
        {
            return string.Create(CultureInfo.InvariantCulture, $"A stream has at most {_options.MaxTopics} topics.");
        }

        foreach (var name in names)
        {
            if (!(isCanary ? TopicName.IsCanary(name) : TopicName.IsValid(name)))
            {
                return TopicName.Rule;
            }
        }

        return null;
    }

    // The only state machine that lives as long as the stream; what opening it needs is garbage by then.
    private async Task StreamAsync(HttpContext context, TopicSet topics, ResumePoint resumePoint, Ticket? ticket)
    {
        TicketStream? taken = null;
        try
        {
            // The last of all, so that no other refusal uses the ticket up.
            if (ticket is not null && (taken = await TakeAsync(context, ticket)) is null)
            {
                return;
            }

            if (await OpenAsync(context, topics, resumePoint) is not { } connection)
            {
                return;
            }

            taken?.Open(connection);

            try
            {
                await using (context.RequestAborted.UnsafeRegister(static state => ((StreamConnection)state!).Leave(), connection))
                {
                    var reason = await connection.Completion;
                    if (!topics.IsCanary)
                    {
                        metrics.Closed(reason);
                    }
                }
            }
            finally
            {
                Array.ForEach(connection.Memberships, members => hubs.Release((TopicHub)members.History));
            }
        }
        finally
        {
            descriptors.LeaveStream(context);
            Leave(topics);
            if (taken is not null)
            {
                await tickets.ReturnAsync(taken);
            }
        }
    }

    /// <returns>Null when the stream could not be opened; the client got a refusal, or is gone.</returns>
    private async Task<StreamConnection?> OpenAsync(HttpContext context, TopicSet topics, ResumePoint resumePoint)
    {
        using var span = topics.IsCanary ? null : SseTracing.OpenStream(context);
        // Almost always there, because others have the same topics; when thousands come back at once, tasks and timers for it count.
        var acquired = hubs.TryAcquire(topics.Names) ?? [];
        StreamConnection? connection = null;
        try
        {
            if (acquired.Length == 0)
            {
                var acquiring = Array.ConvertAll(
                    topics.Names, name => hubs.AcquireAsync(name, _options.SubscribeTimeout, context.RequestAborted));
                await ((Task)Task.WhenAll(acquiring)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                acquired = [.. acquiring.Where(task => task.IsCompletedSuccessfully).Select(task => task.Result)];
                await Task.WhenAll(acquiring);
            }

            var starts = resumePoint.IsLive ? null : TopicHubs.FindStarts(acquired, resumePoint) ?? await FindStartsAsync(acquired, resumePoint, context.RequestAborted);
            connection = await JoinAsync(context, topics, acquired, starts, resumePoint);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) && !context.Response.HasStarted)
        {
            await refusal.WriteAsync(context, RefusalReason.Redis);
        }
        catch (ArchiveUnavailableException) when (!context.Response.HasStarted)
        {
            await refusal.WriteAsync(context, RefusalReason.Archive);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left before the stream was open.
        }
        finally
        {
            if (connection is null)
            {
                Array.ForEach(acquired, hubs.Release);
            }
        }

        return connection;
    }

    private async Task<StreamStart[]> FindStartsAsync(TopicHub[] acquired, ResumePoint resumePoint, CancellationToken cancellationToken)
    {
        if (resumePoint.From is { } from)
        {
            // Searched for when all hubs are subscribed: what is published meanwhile comes by them.
            var found = await Task.WhenAll(acquired.Select(hub => search.FindAsync(hub.Topic, from, _options.SubscribeTimeout, cancellationToken)));
            resumePoint = resumePoint with { Positions = Array.ConvertAll(found, position => new MarkedPosition(position.Epoch.Mark(PositionCodec.MaxMarkBits), position.Offset)) };
        }

        var markBits = resumePoint is { From: null, Positions: { } positions } ? PositionCodec.MarkBits(positions) : PositionCodec.MaxMarkBits;
        // All topics are asked before the first answer is awaited.
        Task<StreamStart>[] finding = [.. acquired.Select((hub, slot) => hub.FindStartAsync(resumePoint, slot, markBits))];
        try
        {
            return await Task.WhenAll(finding).WaitAsync(_options.SubscribeTimeout, time, cancellationToken);
        }
        catch (TimeoutException exception) when (Array.Exists(acquired, hub => hub.WaitsForArchive))
        {
            throw ArchiveUnavailableException.Silent(exception);
        }
    }

    /// <summary>By how much the client's reconnection time is longer: what this replica sees of a storm, or its gateway, if that sees more.</summary>
    private int SpreadOf(HttpContext context, TopicSet topics)
    {
        if (topics.IsCanary)
        {
            return 0;
        }

        var own = spread.Opened();
        return int.TryParse(context.Request.Headers[StreamHeaders.Spread].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var seen) ? Math.Max(own, seen) : own;
    }

    private async Task<StreamConnection> JoinAsync(HttpContext context, TopicSet topics, TopicHub[] acquired, StreamStart[]? starts, ResumePoint resumePoint)
    {
        var resumed = resumePoint.Positions is not null && Array.TrueForAll(starts!, start => start.Gap is null);
        var returning = resumePoint.Positions is not null || resumePoint.Unknown;
        EventStreams.Prepare(context);
        var writer = await writers.StartAsync(context, more: true);

        var id = (ulong)Random.Shared.NextInt64();
        var opened = new StreamOpened(id.ToString("x16", CultureInfo.InvariantCulture), replica.Id, topics.Names, resumed);
        var index = writer is IShardWriter bound ? bound.ShardIndex : shards.NextIndex();
        var connection = new StreamConnection(
            writer,
            shards.All[index],
            topics,
            [.. acquired.Select(hub => hub.MembersIn(index))],
            starts,
            JsonSerializer.SerializeToUtf8Bytes(opened, StreamingJsonContext.Default.StreamOpened))
        {
            Id = id,
            Client = ClientAddress.Of(context),
            Credential = StreamCredential.Create(Caller.Of(context), time),
            RetrySpread = SpreadOf(context, topics),
            OpenedAtMilliseconds = time.GetUtcNow().ToUnixTimeMilliseconds(),
            PlacementKey = rebalancer.Placed(context.Request.Headers[StreamHeaders.Placement]),
        };
        if (!topics.IsCanary)
        {
            metrics.Opened(returning);
        }

        connection.Open();
        return connection;
    }
}
