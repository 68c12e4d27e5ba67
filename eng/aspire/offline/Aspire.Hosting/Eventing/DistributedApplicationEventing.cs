using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Eventing;

/// <inheritdoc cref="IDistributedApplicationEventing" />
public class DistributedApplicationEventing : IDistributedApplicationEventing
{
    private readonly Lock _lock = new();
    private ImmutableDictionary<Type, ImmutableArray<DistributedApplicationEventSubscription>> _subscriptions
        = ImmutableDictionary<Type, ImmutableArray<DistributedApplicationEventSubscription>>.Empty;

    public DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback)
        where T : IDistributedApplicationEvent
        => Add(typeof(T), new DistributedApplicationEventSubscription((@event, cancellationToken) => callback((T)@event, cancellationToken)));

    public DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback)
        where T : IDistributedApplicationResourceEvent
        => Add(typeof(T), new DistributedApplicationResourceEventSubscription(
            resource,
            (@event, cancellationToken) => ReferenceEquals(@event.Resource, resource) ? callback((T)@event, cancellationToken) : Task.CompletedTask));

    public void Unsubscribe(DistributedApplicationEventSubscription subscription)
    {
        lock (_lock)
        {
            foreach (var (type, subscriptions) in _subscriptions)
            {
                if (subscriptions.Contains(subscription))
                {
                    _subscriptions = _subscriptions.SetItem(type, subscriptions.Remove(subscription));
                }
            }
        }
    }

    public Task PublishAsync<T>(T @event, CancellationToken cancellationToken = default)
        where T : IDistributedApplicationEvent
        => PublishAsync(@event, EventDispatchBehavior.BlockingSequential, cancellationToken);

    public Task PublishAsync<T>(T @event, EventDispatchBehavior dispatchBehavior, CancellationToken cancellationToken = default)
        where T : IDistributedApplicationEvent
    {
        if (!_subscriptions.TryGetValue(typeof(T), out var subscriptions))
        {
            return Task.CompletedTask;
        }

        var dispatch = dispatchBehavior is EventDispatchBehavior.BlockingConcurrent or EventDispatchBehavior.NonBlockingConcurrent
            ? (Func<Task>)(() => Task.WhenAll(subscriptions.Select(s => s.Callback(@event, cancellationToken))))
            : async () =>
            {
                foreach (var subscription in subscriptions)
                {
                    await subscription.Callback(@event, cancellationToken).ConfigureAwait(false);
                }
            };

        if (dispatchBehavior is EventDispatchBehavior.BlockingSequential or EventDispatchBehavior.BlockingConcurrent)
        {
            return dispatch();
        }

        // Whoever publishes without blocking has said that nobody waits for the outcome.
        _ = Task.Run(dispatch, cancellationToken);
        return Task.CompletedTask;
    }

    private DistributedApplicationEventSubscription Add(Type type, DistributedApplicationEventSubscription subscription)
    {
        lock (_lock)
        {
            var present = _subscriptions.GetValueOrDefault(type, []);
            _subscriptions = _subscriptions.SetItem(type, present.Add(subscription));
        }

        return subscription;
    }
}
