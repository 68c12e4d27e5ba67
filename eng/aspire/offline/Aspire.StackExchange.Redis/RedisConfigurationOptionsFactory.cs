using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace Aspire.StackExchange.Redis;

/// <summary>Parses the connection string first, so that configuration and code change its result and not the other way round.</summary>
internal sealed class RedisConfigurationOptionsFactory(
    IServiceProvider services,
    IEnumerable<IConfigureOptions<ConfigurationOptions>> setups,
    IEnumerable<IPostConfigureOptions<ConfigurationOptions>> postConfigures,
    IEnumerable<IValidateOptions<ConfigurationOptions>> validations)
    : OptionsFactory<ConfigurationOptions>(setups, postConfigures, validations)
{
    protected override ConfigurationOptions CreateInstance(string name)
    {
        var options = services.GetKeyedService<StackExchangeRedisSettings>(name)?.ConnectionString is { } connectionString
            ? ConfigurationOptions.Parse(connectionString)
            : base.CreateInstance(name);

        // A provider that somebody chose, or that fits the host name, stays.
        if (options.Defaults.GetType() == typeof(DefaultOptionsProvider))
        {
            options.Defaults = new RetryingOptionsProvider();
        }

        return options;
    }

    /// <summary>Goes on trying when the server is away at start: it may be starting too.</summary>
    private sealed class RetryingOptionsProvider : DefaultOptionsProvider
    {
        public override bool AbortOnConnectFail => false;
    }
}
