using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Dcp;

/// <summary>Resources that exist inside another one, such as a database in a server, have their parent's state.</summary>
internal sealed class ChildStates(DistributedApplicationModel model, ResourceNotificationService notifications)
{
    public static IEnumerable<IResource> Of(DistributedApplicationModel model, IResource parent) =>
        model.Resources.Where(resource => resource is IResourceWithParent child && ReferenceEquals(child.Parent, parent) && !HasOwnLife(resource));

    public async Task PublishAsync(IResource parent, CustomResourceSnapshot parentState)
    {
        foreach (var child in Of(model, parent).ToList())
        {
            await notifications.PublishUpdateAsync(child, snapshot => snapshot with
            {
                State = parentState.State,
                StartTimeStamp = parentState.StartTimeStamp,
                StopTimeStamp = parentState.StopTimeStamp,
            });
            await PublishAsync(child, parentState);
        }
    }

    private static bool HasOwnLife(IResource resource) =>
        resource.RequiresOrchestrator() || resource is ParameterResource or ConnectionStringResource;
}
