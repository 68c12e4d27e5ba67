using System.IO.Pipelines;
using SseApp.Events.Publishing;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Tests.ServiceDefaults.Cluster.Redis;

/// <summary>What StackExchange.Redis lets through in a failover, and a publisher must not see as a fault of the service.</summary>
public sealed class RedisErrorsTests
{
    [Fact]
    public void A_write_to_a_connection_that_the_client_has_closed_is_an_outage_and_leaves_open_what_was_stored()
    {
        var pipe = new Pipe();
        pipe.Writer.Complete();
        var exception = Assert.Throws<InvalidOperationException>(() => pipe.Writer.GetSpan());

        Assert.True(RedisErrors.IsUnavailable(exception));
        Assert.Equal(PublishOutcome.Unknown, PublishErrors.Outcome(exception));
    }

    [Fact]
    public void Commands_given_up_with_their_connection_are_an_outage_and_leave_open_what_was_stored()
    {
        var exception = new ObjectDisposedException("Connection is being disposed");

        Assert.True(RedisErrors.IsUnavailable(exception));
        Assert.Equal(PublishOutcome.Unknown, PublishErrors.Outcome(exception));
    }

    [Fact]
    public async Task A_command_that_the_client_cancels_is_an_outage_and_one_that_its_caller_cancels_is_not()
    {
        using var stopping = new CancellationTokenSource();
        var command = new TaskCompletionSource();
        command.SetCanceled(CancellationToken.None);
        var byClient = await Assert.ThrowsAsync<TaskCanceledException>(() => command.Task.WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System, stopping.Token));
        await stopping.CancelAsync();
        var byCaller = await Assert.ThrowsAsync<TaskCanceledException>(() => new TaskCompletionSource().Task.WaitAsync(stopping.Token));

        Assert.True(RedisErrors.IsUnavailable(byClient));
        Assert.Equal(PublishOutcome.Unknown, PublishErrors.Outcome(byClient));
        Assert.False(RedisErrors.IsUnavailable(byCaller));
    }

    [Fact]
    public void A_mistake_of_the_service_is_not_taken_for_an_outage()
    {
        var exception = Assert.Throws<InvalidOperationException>(() => Array.Empty<int>().First());

        Assert.False(RedisErrors.IsUnavailable(exception));
    }
}
