using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace SseApp.AppHost.Supervision;

internal static class SupervisionExtensions
{
    /// <summary>
    /// Restarts each instance of the resource when it ends without having been stopped. Aspire itself leaves it down
    /// (<see href="https://github.com/microsoft/aspire/issues/1708">microsoft/aspire#1708</see>).
    /// </summary>
    /// <param name="resource">The resource.</param>
    /// <param name="configure">Defaults of its own; configuration wins over them.</param>
    /// <exception cref="DistributedApplicationException">Section <c>Restart</c> is not valid.</exception>
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
        var general = builder.Configuration.GetSection(RestartPolicy.SectionName);
        general.BindValidated(policy, RestartPolicy.SectionName);
        general.GetSection(resource.Resource.Name).BindValidated(policy, $"{RestartPolicy.SectionName}:{resource.Resource.Name}");
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<IRestartReport, NoRestartReport>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, Supervisor>());
        return policy.Enabled ? resource.WithAnnotation(new RestartPolicyAnnotation(policy)) : resource;
    }
}
