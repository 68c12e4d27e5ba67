using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Orchestration;

/// <summary>Prepares the model for a run: instance names, lifecycle commands, and the states shown before anything starts.</summary>
internal static class ResourceInitializer
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz";
    private const int SuffixLength = 8;

    public static async Task OnBeforeStartAsync(BeforeStartEvent @event, CancellationToken cancellationToken)
    {
        foreach (var resource in @event.Model.Resources.Where(r => r.RequiresOrchestrator()))
        {
            NameInstances(resource);
            LifecycleCommands.AddTo(resource);
        }

        var notifications = @event.Services.GetRequiredService<ResourceNotificationService>();
        foreach (var resource in @event.Model.Resources.Where(r => r.RequiresOrchestrator()))
        {
            await notifications.PublishUpdateAsync(resource, snapshot => snapshot with
            {
                State = snapshot.State ?? new ResourceStateSnapshot(KnownResourceStates.NotStarted, Style: null),
                HealthReports = [.. HealthCheckKeys(resource).Select(key => new HealthReportSnapshot(key, Status: null, Description: null, ExceptionText: null))],
            }).ConfigureAwait(false);
        }
    }

    internal static IEnumerable<string> HealthCheckKeys(IResource resource)
        => resource.TryGetAnnotationsIncludingAncestorsOfType<HealthCheckAnnotation>(out var annotations)
            ? annotations.Select(a => a.Key).Distinct(StringComparer.Ordinal)
            : [];

    private static void NameInstances(IResource resource)
    {
        if (resource.HasAnnotationOfType<DcpInstancesAnnotation>())
        {
            return;
        }

        var instances = Enumerable.Range(0, resource.GetReplicaCount()).Select(index =>
        {
            var suffix = RandomNumberGenerator.GetString(Letters, SuffixLength);
            return new DcpInstance($"{resource.Name}-{suffix}", suffix, index);
        });
        resource.Annotations.Add(new DcpInstancesAnnotation([.. instances]));
    }
}
