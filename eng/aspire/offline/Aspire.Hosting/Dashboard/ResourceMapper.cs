using System.Collections;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard.Protocol;
using Google.Protobuf.WellKnownTypes;
using Proto = Aspire.Hosting.Dashboard.Protocol;

namespace Aspire.Hosting.Dashboard;

/// <summary>Says the state of an instance in the dashboard's words.</summary>
internal static class ResourceMapper
{
    // Label and place of the properties that are shown without asking; the dashboard hides the others behind "show all".
    private static readonly Dictionary<(string ResourceType, string Property), (string DisplayName, int SortOrder)> s_highlighted = new()
    {
        [("Container", "container.image")] = ("Container image", 0),
        [("Container", "container.id")] = ("Container ID", 1),
        [("Container", "container.command")] = ("Container command", 2),
        [("Container", "container.args")] = ("Container arguments", 3),
        [("Container", "container.ports")] = ("Container ports", 4),
        [("Container", "container.lifetime")] = ("Container lifetime", 5),
        [("Executable", "executable.path")] = ("Executable path", 0),
        [("Executable", "executable.workDir")] = ("Working directory", 1),
        [("Executable", "executable.args")] = ("Executable arguments", 2),
        [("Executable", "executable.pid")] = ("Process ID", 3),
        [("Project", "project.path")] = ("Project path", 0),
        [("Project", "executable.pid")] = ("Process ID", 2),
    };

    public static Proto.Resource Map(ResourceEvent resourceEvent, DateTimeOffset firstSeen)
    {
        var snapshot = resourceEvent.Snapshot;
        var resource = new Proto.Resource
        {
            Name = resourceEvent.ResourceId,
            Uid = resourceEvent.ResourceId,
            DisplayName = resourceEvent.Resource.Name,
            ResourceType = snapshot.ResourceType,
            State = snapshot.State?.Text ?? string.Empty,
            StateStyle = snapshot.State?.Style ?? string.Empty,
            IsHidden = snapshot.IsHidden,
            CreatedAt = Time(snapshot.CreationTimeStamp) ?? Timestamp.FromDateTimeOffset(firstSeen),
            StartedAt = Time(snapshot.StartTimeStamp),
            StoppedAt = Time(snapshot.StopTimeStamp),
        };
        if (snapshot.IconName is not null)
        {
            resource.IconName = snapshot.IconName;
            resource.IconVariant = Map(snapshot.IconVariant);
        }

        resource.Environment.AddRange(snapshot.EnvironmentVariables.Select(variable =>
            new EnvironmentVariable { Name = variable.Name, Value = variable.Value ?? string.Empty, IsFromSpec = variable.IsFromSpec }));
        resource.Urls.AddRange(snapshot.Urls.Select(Map));
        resource.Volumes.AddRange(snapshot.Volumes.Select(volume => new Volume
        {
            Source = volume.Source ?? string.Empty,
            Target = volume.Target,
            MountType = volume.MountType,
            IsReadOnly = volume.IsReadOnly,
        }));
        resource.HealthReports.AddRange(snapshot.HealthReports.Select(Map));
        resource.Relationships.AddRange(snapshot.Relationships.Select(relationship =>
            new ResourceRelationship { ResourceName = relationship.ResourceName, Type = relationship.Type }));
        resource.Commands.AddRange(snapshot.Commands.Select(Map));
        resource.Properties.AddRange(OwnProperties(resourceEvent).Concat(snapshot.Properties.Select(property => Map(snapshot.ResourceType, property))));
        return resource;
    }

    private static IEnumerable<ResourceProperty> OwnProperties(ResourceEvent resourceEvent)
    {
        var snapshot = resourceEvent.Snapshot;
        yield return Property("resource.uid", resourceEvent.ResourceId);
        yield return Property("resource.name", resourceEvent.ResourceId);
        yield return Property("resource.type", snapshot.ResourceType);
        yield return Property("resource.displayName", resourceEvent.Resource.Name);
        yield return Property("resource.state", snapshot.State?.Text);
        yield return Property("resource.exitCode", snapshot.ExitCode?.ToString(CultureInfo.InvariantCulture));
        yield return Property("resource.createTime", snapshot.CreationTimeStamp?.ToString("O", CultureInfo.InvariantCulture));
        yield return Property("resource.startTime", snapshot.StartTimeStamp?.ToString("O", CultureInfo.InvariantCulture));
        yield return Property("resource.stopTime", snapshot.StopTimeStamp?.ToString("O", CultureInfo.InvariantCulture));
        yield return Property("resource.healthState", snapshot.HealthStatus?.ToString());

        static ResourceProperty Property(string name, object? value) => new() { Name = name, Value = ToValue(value), IsSensitive = false };
    }

    private static ResourceProperty Map(string resourceType, ResourcePropertySnapshot property)
    {
        var mapped = new ResourceProperty { Name = property.Name, Value = ToValue(property.Value), IsSensitive = property.IsSensitive };
        if (s_highlighted.TryGetValue((resourceType, property.Name), out var known))
        {
            mapped.DisplayName = known.DisplayName;
            mapped.SortOrder = known.SortOrder;
            mapped.IsHighlighted = true;
        }

        return mapped;
    }

    private static Value ToValue(object? value) => value switch
    {
        null => Value.ForNull(),
        string text => Value.ForString(text),
        bool flag => Value.ForBool(flag),
        int number => Value.ForNumber(number),
        IEnumerable list => Value.ForList([.. list.Cast<object?>().Select(ToValue)]),
        _ => Value.ForString(Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty),
    };

    private static Url Map(UrlSnapshot url) => new()
    {
        EndpointName = url.Name ?? string.Empty,
        FullUrl = url.Url,
        IsInternal = url.IsInternal,
        IsInactive = url.IsInactive,
        DisplayProperties = new UrlDisplayProperties { DisplayName = url.DisplayProperties.DisplayName, SortOrder = url.DisplayProperties.SortOrder },
    };

    private static HealthReport Map(HealthReportSnapshot report)
    {
        var mapped = new HealthReport
        {
            Key = report.Name,
            Description = report.Description ?? string.Empty,
            Exception = report.ExceptionText ?? string.Empty,
            LastRunAt = Time(report.LastRunAt),
        };
        if (report.Status is { } status)
        {
            mapped.Status = status switch
            {
                Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy => Proto.HealthStatus.Healthy,
                Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Degraded => Proto.HealthStatus.Degraded,
                _ => Proto.HealthStatus.Unhealthy,
            };
        }

        return mapped;
    }

    private static ResourceCommand Map(ResourceCommandSnapshot command) => new()
    {
        Name = command.Name,
        DisplayName = command.DisplayName,
        DisplayDescription = command.DisplayDescription ?? string.Empty,
        ConfirmationMessage = command.ConfirmationMessage ?? string.Empty,
        IconName = command.IconName ?? string.Empty,
        IconVariant = Map(command.IconVariant),
        IsHighlighted = command.IsHighlighted,
        State = command.State switch
        {
            ApplicationModel.ResourceCommandState.Enabled => Proto.ResourceCommandState.Enabled,
            ApplicationModel.ResourceCommandState.Disabled => Proto.ResourceCommandState.Disabled,
            _ => Proto.ResourceCommandState.Hidden,
        },
    };

    private static Proto.IconVariant Map(ApplicationModel.IconVariant? variant) =>
        variant is ApplicationModel.IconVariant.Filled ? Proto.IconVariant.Filled : Proto.IconVariant.Regular;

    private static Timestamp? Time(DateTime? time) => time is { } value ? Timestamp.FromDateTime(value.ToUniversalTime()) : null;
}
