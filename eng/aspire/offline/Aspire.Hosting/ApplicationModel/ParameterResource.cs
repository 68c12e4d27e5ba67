namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value from outside: configuration, user secrets, or the deployment.</summary>
public class ParameterResource : Resource, IExpressionValue, IResourceWithoutLifetime
{
    private readonly Lazy<string> _value;
    private readonly Func<ParameterDefault?, string> _callback;

    public ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(callback);
        _callback = callback;
        _value = new Lazy<string>(() => _callback(Default));
        Secret = secret;
    }

    public string? Description { get; set; }

    public bool EnableDescriptionMarkdown { get; set; }

    public bool Secret { get; }

    /// <summary>Whether the parameter stands for a connection string of the configuration.</summary>
    public bool IsConnectionString { get; set; }

    public ParameterDefault? Default { get; set; }

    public string ValueExpression => IsConnectionString ? $"{{{Name}.connectionString}}" : $"{{{Name}.value}}";

    /// <exception cref="MissingParameterValueException">The configuration has no value.</exception>
    [Obsolete("Use GetValueAsync for async access to the parameter value.")]
    public string Value => ValueInternal;

    internal string ConfigurationKey
    {
        get => field ?? (IsConnectionString ? $"ConnectionStrings:{Name}" : $"Parameters:{Name}");
        set;
    }

    internal string ValueInternal => _value.Value;

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => new(ValueInternal);

    public ValueTask<string?> GetValueAsync(ValueProviderContext _, CancellationToken cancellationToken) => GetValueAsync(cancellationToken);
}
