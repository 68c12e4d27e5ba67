using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard.Protocol;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dashboard;

/// <summary>What the dashboard asks of the AppHost; one instance per call.</summary>
internal sealed class DashboardResourceService(
    DistributedApplicationModel model,
    ResourceNotificationService notifications,
    ResourceLoggerService logs,
    ResourceCommandService commands,
    DashboardServiceSession session,
    IOptions<DashboardOptions> options) : DashboardService.DashboardServiceBase
{
    // gRPC receives at most 4 MB; a character takes two bytes in the mean, and a message has some overhead.
    private const int MaxBatchCharacters = 1024 * 1024;
    private const string AppHostSuffix = "AppHost";

    public override Task<ApplicationInformationResponse> GetApplicationInformation(ApplicationInformationRequest request, ServerCallContext context)
    {
        var name = options.Value.ApplicationName ?? "Aspire";
        if (name.Length > AppHostSuffix.Length && name.EndsWith(AppHostSuffix, StringComparison.OrdinalIgnoreCase))
        {
            name = name[..^AppHostSuffix.Length].TrimEnd('.');
        }

        return Task.FromResult(new ApplicationInformationResponse { ApplicationName = name, MinDashboardVersion = "13.5.0" });
    }

    public override Task WatchResources(WatchResourcesRequest request, IServerStreamWriter<WatchResourcesUpdate> responseStream, ServerCallContext context) =>
        UntilStoppedAsync(context, async cancellationToken =>
        {
            var initial = new InitialResourceData();
            foreach (var id in model.Resources.SelectMany(resource => resource.GetResolvedResourceNames()).ToList())
            {
                if (notifications.TryGetCurrentState(id, out var current))
                {
                    initial.Resources.Add(ResourceMapper.Map(current, session.Started));
                }
            }

            await responseStream.WriteAsync(new WatchResourcesUpdate { InitialData = initial }, cancellationToken);

            // Replays the present state first, so nothing between the two is lost.
            await foreach (var change in notifications.WatchAsync(cancellationToken))
            {
                var changes = new WatchResourcesChanges();
                changes.Value.Add(new WatchResourcesChange { Upsert = ResourceMapper.Map(change, session.Started) });
                await responseStream.WriteAsync(new WatchResourcesUpdate { Changes = changes }, cancellationToken);
            }
        });

    public override Task WatchResourceConsoleLogs(
        WatchResourceConsoleLogsRequest request, IServerStreamWriter<WatchResourceConsoleLogsUpdate> responseStream, ServerCallContext context) =>
        UntilStoppedAsync(context, async cancellationToken =>
        {
            var batches = request.SuppressFollow ? logs.GetAllAsync(request.ResourceName) : logs.WatchAsync(request.ResourceName);
            await foreach (var batch in batches.WithCancellation(cancellationToken))
            {
                var update = new WatchResourceConsoleLogsUpdate();
                var characters = 0;
                foreach (var line in batch)
                {
                    var text = line.Content.Length > MaxBatchCharacters ? line.Content[..MaxBatchCharacters] : line.Content;
                    if (characters + text.Length > MaxBatchCharacters && update.LogLines.Count > 0)
                    {
                        await responseStream.WriteAsync(update, cancellationToken);
                        update = new WatchResourceConsoleLogsUpdate();
                        characters = 0;
                    }

                    characters += text.Length;
                    update.LogLines.Add(new ConsoleLogLine { LineNumber = line.LineNumber, Text = text, IsStdErr = line.IsErrorMessage });
                }

                await responseStream.WriteAsync(update, cancellationToken);
            }
        });

    public override async Task<ResourceCommandResponse> ExecuteResourceCommand(ResourceCommandRequest request, ServerCallContext context)
    {
        var result = await commands.ExecuteCommandAsync(request.ResourceName, request.CommandName, context.CancellationToken);
        return new ResourceCommandResponse
        {
            Kind = result.Canceled ? ResourceCommandResponseKind.Cancelled
                : result.Success ? ResourceCommandResponseKind.Succeeded
                : ResourceCommandResponseKind.Failed,
            Message = result.Message ?? string.Empty,
            ErrorMessage = result.Message ?? string.Empty,
        };
    }

    /// <summary>This subset never asks the user anything, so the stream stays open and silent.</summary>
    public override Task WatchInteractions(
        IAsyncStreamReader<WatchInteractionsRequestUpdate> requestStream, IServerStreamWriter<WatchInteractionsResponseUpdate> responseStream, ServerCallContext context) =>
        UntilStoppedAsync(context, async cancellationToken =>
        {
            while (await requestStream.MoveNext(cancellationToken))
            {
                throw new RpcException(new Status(StatusCode.NotFound, $"There is no interaction {requestStream.Current.InteractionId}."));
            }
        });

    private async Task UntilStoppedAsync(ServerCallContext context, Func<CancellationToken, Task> serve)
    {
        using var ended = session.Link(context.CancellationToken);
        try
        {
            await serve(ended.Token);
        }
        catch (Exception exception) when (exception is IOException || (ended.IsCancellationRequested && exception is OperationCanceledException or InvalidOperationException))
        {
            // The dashboard hung up, or this process stops: both end a stream, neither is an error.
        }
    }
}
