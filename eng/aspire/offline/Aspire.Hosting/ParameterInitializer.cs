using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Shows a parameter's value, or that it is missing, in the dashboard.</summary>
internal static partial class ParameterInitializer
{
    public static Task ShowAsync(ParameterResource parameter, InitializeResourceEvent @event)
    {
        string value;
        try
        {
            value = parameter.ValueInternal;
        }
        catch (MissingParameterValueException ex)
        {
            LogMissing(@event.Logger, ex.Message);
            return @event.Notifications.PublishUpdateAsync(parameter, snapshot => snapshot with
            {
                State = new ResourceStateSnapshot(KnownResourceStates.ValueMissing, KnownResourceStateStyles.Error),
                Properties = ResourceSnapshots.SetProperty(snapshot.Properties, "Value", ex.Message),
            });
        }

        return @event.Notifications.PublishUpdateAsync(parameter, snapshot => snapshot with
        {
            State = KnownResourceStates.Running,
            Properties = ResourceSnapshots.SetProperty(snapshot.Properties, "Value", value, parameter.Secret),
        });
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Problem}")]
    private static partial void LogMissing(ILogger logger, string problem);
}
