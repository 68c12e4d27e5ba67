namespace Aspire.Hosting;

/// <summary>Options of an execution context.</summary>
public class DistributedApplicationExecutionContextOptions(DistributedApplicationOperation operation)
{
    public DistributedApplicationExecutionContextOptions(DistributedApplicationOperation operation, string publisherName)
        : this(operation)
    {
        PublisherName = publisherName;
    }

    public DistributedApplicationOperation Operation { get; } = operation;

    public string? PublisherName { get; }

    /// <summary>Set once the host is built.</summary>
    public IServiceProvider? ServiceProvider { get; set; }
}
