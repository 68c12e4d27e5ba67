using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Utils;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>Adds parameters and connection strings that come from outside.</summary>
public static class ParameterResourceBuilderExtensions
{
    /// <summary>A parameter whose value is configured under <c>Parameters:{name}</c>.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, bool secret = false)
        => builder.Add(new ParameterResource(name, @default => GetValue(builder.Configuration, $"Parameters:{name}", @default), secret));

    /// <summary>A parameter with this value.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The parameter's name.</param>
    /// <param name="value">The value.</param>
    /// <param name="publishValueAsDefault">Whether the manifest carries the value as the default; not for secrets.</param>
    /// <param name="secret">Whether the value is hidden.</param>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, string value, bool publishValueAsDefault = false, bool secret = false)
    {
        ArgumentNullException.ThrowIfNull(value);
        return builder.AddParameter(name, () => value, publishValueAsDefault, secret);
    }

    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, Func<string> valueGetter, bool publishValueAsDefault = false, bool secret = false)
    {
        ArgumentNullException.ThrowIfNull(valueGetter);
        if (publishValueAsDefault && secret)
        {
            throw new ArgumentException("A parameter cannot be both secret and published as a default value.", nameof(secret));
        }

        return builder.Add(new ParameterResource(name, @default => @default?.GetDefaultValue() ?? valueGetter(), secret)
        {
            Default = publishValueAsDefault ? new ConstantParameterDefault(valueGetter) : null,
        });
    }

    /// <param name="builder">The application.</param>
    /// <param name="name">The parameter's name.</param>
    /// <param name="value">Where the value comes from when it is not configured.</param>
    /// <param name="secret">Whether the value is hidden.</param>
    /// <param name="persist">Whether the value is kept in the user secrets for the next run.</param>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, ParameterDefault value, bool secret = false, bool persist = false)
    {
        ArgumentNullException.ThrowIfNull(value);
        var @default = persist ? Persist(builder, name, value) : value;
        return builder.Add(new ParameterResource(name, _ => GetValue(builder.Configuration, $"Parameters:{name}", @default), secret) { Default = @default });
    }

    public static IResourceBuilder<ParameterResource> AddParameterFromConfiguration(this IDistributedApplicationBuilder builder, [ResourceName] string name, string configurationKey, bool secret = false)
        => builder.Add(new ParameterResource(name, @default => GetValue(builder.Configuration, configurationKey, @default), secret) { ConfigurationKey = configurationKey });

    public static IResourceBuilder<ParameterResource> WithDescription(this IResourceBuilder<ParameterResource> builder, string description, bool enableMarkdown = false)
    {
        builder.Resource.Description = description;
        builder.Resource.EnableDescriptionMarkdown = enableMarkdown;
        return builder;
    }

    /// <summary>A connection string configured under <c>ConnectionStrings:{name}</c>.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddConnectionString(this IDistributedApplicationBuilder builder, [ResourceName] string name, string? environmentVariableName = null)
        => builder.Add(new ConnectionStringParameterResource(
            name,
            _ => builder.Configuration.GetConnectionString(name)
                ?? throw new MissingParameterValueException($"Connection string parameter resource could not be used because connection string '{name}' is missing. Set ConnectionStrings:{name} in the AppHost's configuration or the variable ConnectionStrings__{name}."),
            environmentVariableName));

    /// <summary>A secret that is generated once and kept in the user secrets.</summary>
    public static ParameterResource CreateDefaultPasswordParameter(
        IDistributedApplicationBuilder builder,
        string name,
        bool lower = true,
        bool upper = true,
        bool numeric = true,
        bool special = true,
        int minLower = 0,
        int minUpper = 0,
        int minNumeric = 0,
        int minSpecial = 0)
        => CreateGeneratedParameter(builder, name, secret: true, new GenerateParameterDefault
        {
            // 22 of the 67 characters carry 128 bits.
            MinLength = 22,
            Lower = lower,
            Upper = upper,
            Numeric = numeric,
            Special = special,
            MinLower = minLower,
            MinUpper = minUpper,
            MinNumeric = minNumeric,
            MinSpecial = minSpecial,
        });

    public static ParameterResource CreateGeneratedParameter(IDistributedApplicationBuilder builder, string name, bool secret, GenerateParameterDefault parameterDefault)
        => new(name, @default => GetValue(builder.Configuration, $"Parameters:{name}", @default), secret) { Default = Persist(builder, name, parameterDefault) };

    private static IResourceBuilder<T> Add<T>(this IDistributedApplicationBuilder builder, T parameter)
        where T : ParameterResource
        => builder.AddResource(parameter)
            .WithInitialState(new CustomResourceSnapshot
            {
                ResourceType = "Parameter",
                Properties = [new ResourcePropertySnapshot(CustomResourceKnownProperties.Source, parameter.ConfigurationKey)],
                State = KnownResourceStates.Waiting,
            })
            .OnInitializeResource(static (resource, @event, _) => ParameterInitializer.ShowAsync(resource, @event));

    private static ParameterDefault Persist(IDistributedApplicationBuilder builder, string name, ParameterDefault inner)
        => builder.ExecutionContext.IsRunMode
            ? new UserSecretsParameterDefault(new UserSecretsStore(builder.AppHostAssembly), name, inner)
            : inner;

    private static string GetValue(IConfiguration configuration, string key, ParameterDefault? @default)
        // Variables of most shells have no hyphens in their names: "redis-password" may be set as "redis_password".
        => configuration[key] ?? configuration[key.Replace('-', '_')]
            ?? @default?.GetDefaultValue()
            ?? throw new MissingParameterValueException(
                $"Parameter resource could not be used because configuration key '{key}' is missing and the Parameter has no default value. Set it in the AppHost's configuration or user secrets, or in the variable {key.Replace(":", "__", StringComparison.Ordinal).Replace('-', '_')}.");
}
