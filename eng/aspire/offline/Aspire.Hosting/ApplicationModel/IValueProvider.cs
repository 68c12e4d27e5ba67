namespace Aspire.Hosting.ApplicationModel;

/// <summary>Something whose value is known once the application runs.</summary>
public interface IValueProvider
{
    /// <summary>Waits for the value, for example until an endpoint has its port.</summary>
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits for the value as the caller in <paramref name="context"/> has to see it.</summary>
    ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken = default)
        => GetValueAsync(cancellationToken);
}
