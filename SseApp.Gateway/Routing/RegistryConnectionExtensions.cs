using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SseApp.ServiceDefaults.Health;
using StackExchange.Redis;

namespace SseApp.Gateway.Routing;

internal static class RegistryConnectionExtensions
{
    private const string ConnectionName = "redis";

    /// <summary>Adds the Redis connection <c>redis</c>, which the replica registry is on, and its health.</summary>
    /// <exception cref="OptionsValidationException">No connection string is configured.</exception>
    public static WebApplicationBuilder AddRegistryConnection(this WebApplicationBuilder builder)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration.GetConnectionString(ConnectionName))
            && string.IsNullOrWhiteSpace(builder.Configuration["Aspire:StackExchange:Redis:ConnectionString"]))
        {
            throw new OptionsValidationException(ConnectionName, typeof(ConfigurationOptions),
            [
                "No Redis connection is configured. Start the whole cluster with 'dotnet run --project SseApp.AppHost', or set ConnectionStrings__redis, for example to localhost:6379.",
            ]);
        }

        // Without Redis the gateway goes on with the replicas it knows: degraded, but ready.
        builder.AddRedisClient(ConnectionName, settings => settings.DisableHealthChecks = true);
        builder.AddRedisHealth(HealthStatus.Degraded);
        return builder;
    }
}
