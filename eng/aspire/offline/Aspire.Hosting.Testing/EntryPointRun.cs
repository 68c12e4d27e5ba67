using System.Diagnostics;
using System.Reflection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>Runs an AppHost's entry point on a thread of its own, holds it before it builds the application, and ends it after.
/// It listens to what the builder announces, as ASP.NET Core's tests listen to the host builder.</summary>
internal sealed class EntryPointRun(Assembly assembly, string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
    : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
{
    private static readonly AsyncLocal<EntryPointRun?> s_current = new();

    private readonly TaskCompletionSource<DistributedApplicationBuilder> _building = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _built = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _mayBuild = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<IDisposable> _subscriptions = [];

    /// <summary>Waits until the entry point is about to build the application.</summary>
    public Task<DistributedApplicationBuilder> StartAsync(CancellationToken cancellationToken)
    {
        var entryPoint = assembly.EntryPoint
            ?? throw new InvalidOperationException($"Assembly '{assembly.FullName}' does not have an entry point. Name a type of the AppHost's assembly.");
        var thread = new Thread(() => Run(entryPoint)) { IsBackground = true, Name = $"{assembly.GetName().Name} entry point" };
        thread.Start();
        return _building.Task.WaitAsync(cancellationToken);
    }

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.TrySetResult(true);
        return _built.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Ends an entry point that still waits to build.</summary>
    public void Abort() => _mayBuild.TrySetResult(false);

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == AppHostDiagnostics.ListenerName)
        {
            _subscriptions.Add(value.Subscribe(this));
        }
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        // Other tests in this process build applications too.
        if (!ReferenceEquals(s_current.Value, this))
        {
            return;
        }

        switch (value)
        {
            case { Key: AppHostDiagnostics.BuilderConstructingEvent, Value: ValueTuple<DistributedApplicationOptions, HostApplicationBuilderSettings> settings }:
                TestingDefaults.Apply(settings.Item1, settings.Item2, args, assembly, configure);
                break;
            case { Key: AppHostDiagnostics.BuildingEvent, Value: DistributedApplicationBuilder builder }:
                _building.TrySetResult(builder);
                if (!_mayBuild.Task.GetAwaiter().GetResult())
                {
                    throw new HostAbortedException();
                }

                break;
            case { Key: AppHostDiagnostics.BuiltEvent, Value: DistributedApplication application }:
                _built.TrySetResult(application);

                // From here on the application is the test's: the entry point must not run it.
                throw new HostAbortedException();
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    private void Run(MethodInfo entryPoint)
    {
        s_current.Value = this;
        Exception problem = new InvalidOperationException($"The entry point of '{assembly.GetName().Name}' exited without ever building a distributed application.");
        using (DiagnosticListener.AllListeners.Subscribe(this))
        {
            try
            {
                var parameters = entryPoint.GetParameters().Length == 0 ? Array.Empty<object>() : [args];
                entryPoint.Invoke(null, BindingFlags.DoNotWrapExceptions, binder: null, parameters, culture: null);
            }
            catch (HostAbortedException)
            {
                // Ended by this class.
            }
#pragma warning disable CA1031 // Handed to the test, which awaits one of the tasks below.
            catch (Exception ex)
#pragma warning restore CA1031
            {
                problem = ex;
            }
        }

        _subscriptions.ForEach(s => s.Dispose());
        _building.TrySetException(problem);
        _built.TrySetException(problem);
    }
}
