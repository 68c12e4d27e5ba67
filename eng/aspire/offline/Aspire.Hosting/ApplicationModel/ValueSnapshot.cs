namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that is set once and may be awaited before; setting it again replaces it for later readers.</summary>
public sealed class ValueSnapshot<T>
    where T : notnull
{
    private readonly Lock _lock = new();
    private TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsValueSet
    {
        get
        {
            lock (_lock)
            {
                return _source.Task.IsCompleted;
            }
        }
    }

    public Task<T> GetValueAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return _source.Task.WaitAsync(cancellationToken);
        }
    }

    public void SetValue(T value) => Complete(source => source.TrySetResult(value));

    public void SetException(Exception exception) => Complete(source => source.TrySetException(exception));

    private void Complete(Action<TaskCompletionSource<T>> complete)
    {
        lock (_lock)
        {
            if (_source.Task.IsCompleted)
            {
                _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            complete(_source);
        }
    }
}
