namespace Aspire.Hosting;

/// <summary>Whether the application runs here or is being published.</summary>
public class DistributedApplicationExecutionContext
{
    private readonly DistributedApplicationExecutionContextOptions? _options;

    public DistributedApplicationExecutionContext(DistributedApplicationOperation operation)
        : this(operation, "manifest")
    {
    }

    public DistributedApplicationExecutionContext(DistributedApplicationOperation operation, string publisherName)
    {
        Operation = operation;
        PublisherName = publisherName;
    }

    public DistributedApplicationExecutionContext(DistributedApplicationExecutionContextOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        Operation = options.Operation;
        PublisherName = options.PublisherName ?? "manifest";
    }

    public DistributedApplicationOperation Operation { get; }

    public string PublisherName { get; set; }

    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;

    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;

    /// <exception cref="InvalidOperationException">The application is not built yet.</exception>
    public IServiceProvider Services
        => _options?.ServiceProvider
            ?? throw new InvalidOperationException("The AppHost's services are not available before the application is built.");

    [Obsolete("Use Services instead.")]
    public IServiceProvider ServiceProvider => Services;

    internal IServiceProvider? ServicesOrNull => _options?.ServiceProvider;
}
