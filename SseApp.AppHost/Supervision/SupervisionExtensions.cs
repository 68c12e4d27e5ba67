using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.AppHost.Backplane;
using SseApp.AppHost.Startup;

namespace SseApp.AppHost.Supervision;

internal static class SupervisionExtensions
{
    /// <summary>
    /// Restarts each instance of the resource when it ends without having been stopped, and when it hangs. Aspire itself leaves it down
    /// (<see href="https://github.com/microsoft/aspire/issues/1708">microsoft/aspire#1708</see>).
    /// </summary>
    /// <param name="resource">The resource.</param>
    /// <param name="configure">Defaults of its own; configuration wins over them.</param>
    public static IResourceBuilder<T> WithRestartPolicy<T>(this IResourceBuilder<T> resource, Action<RestartPolicy>? configure = null)
        where T : IResource
    {
        var builder = resource.ApplicationBuilder;
        if (!builder.ExecutionContext.IsRunMode)
        {
            // Whatever runs a published service restarts it: "restart: always" in compose, the pods' policy in Kubernetes.
            return resource;
        }

        var policy = new RestartPolicy();
        configure?.Invoke(policy);
        builder.ReadSettings(RestartPolicy.SectionName, policy, () => builder.Resources.Where(other => other is ProjectResource or GarnetServerResource).Select(other => other.Name));
        builder.ReadSettings($"{RestartPolicy.SectionName}:{resource.Resource.Name}", policy);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<IRestartReport, NoRestartReport>();
        builder.Services.TryAddSingleton<ReplicaSigns>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, Supervisor>());
        return policy.Enabled ? resource.WithAnnotation(new RestartPolicyAnnotation(policy)) : resource;
    }
}
