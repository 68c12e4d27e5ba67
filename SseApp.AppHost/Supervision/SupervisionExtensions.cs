using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.AppHost.Archive;
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
        builder.ReadSettings(RestartPolicy.SectionName, policy, () => builder.Resources.Where(other => other is ProjectResource or GarnetServerResource or LocalPostgresResource).Select(other => other.Name));
        builder.ReadSettings($"{RestartPolicy.SectionName}:{resource.Resource.Name}", policy);
        CheckUnused(builder, resource.Resource);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<IRestartReport, NoRestartReport>();
        builder.Services.TryAddSingleton<ReplicaSigns>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, Supervisor>());
        return policy.Enabled ? resource.WithAnnotation(new RestartPolicyAnnotation(policy, ServerQuestion.Of(resource.Resource))) : resource;
    }

    /// <summary>Names settings of one resource that cannot mean anything for it.</summary>
    private static void CheckUnused(IDistributedApplicationBuilder builder, IResource resource)
    {
        var values = builder.Configuration.GetSection($"{RestartPolicy.SectionName}:{resource.Name}");
        List<(string Name, string Why)> unused = [];
        if (!resource.Annotations.OfType<ReplicaAnnotation>().Any())
        {
            const string Why = "only of replicas is it known how slow they are";
            unused.AddRange([(nameof(RestartPolicy.SlowAfter), Why), (nameof(RestartPolicy.SlowLimit), Why)]);
        }

        StartupProblems.Of(builder).AddCheck(() => unused
            .Where(setting => values[setting.Name] is not null)
            .Select(setting => $"{values.GetSection(setting.Name).Path} is '{values[setting.Name]}', but it would do nothing: {setting.Why}. Take it away."));
    }
}
