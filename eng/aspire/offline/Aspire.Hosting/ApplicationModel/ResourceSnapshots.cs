using System.Collections.Immutable;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Makes the parts of a snapshot that follow from the model.</summary>
internal static class ResourceSnapshots
{
    public const string WaitingForProperty = "resource.waitingFor";

    public static string GetResourceType(IResource resource) => resource switch
    {
        ProjectResource => "Project",
        ExecutableResource => "Executable",
        ParameterResource => "Parameter",
        ConnectionStringResource => "ConnectionString",
        _ when resource.IsContainer() => "Container",
        _ => resource.GetType().Name is var name && name.EndsWith("Resource", StringComparison.Ordinal) ? name[..^"Resource".Length] : resource.GetType().Name,
    };

    public static ImmutableArray<RelationshipSnapshot> BuildRelationships(IResource resource)
    {
        var relationships = resource.Annotations.OfType<ResourceRelationshipAnnotation>()
            .Select(a => new RelationshipSnapshot(a.Resource.Name, a.Type));
        if (resource is IResourceWithParent child)
        {
            relationships = relationships.Prepend(new RelationshipSnapshot(child.Parent.Name, KnownRelationshipTypes.Parent));
        }

        return [.. relationships.Distinct()];
    }

    public static ImmutableArray<ResourceCommandSnapshot> BuildCommands(IResource resource, CustomResourceSnapshot snapshot, IServiceProvider services)
    {
        var context = new UpdateCommandStateContext { ResourceSnapshot = snapshot, Services = services };
        return [.. resource.Annotations.OfType<ResourceCommandAnnotation>().Select(a => new ResourceCommandSnapshot(
            a.Name,
            a.UpdateState(context),
            a.DisplayName,
            a.DisplayDescription,
            a.Parameter,
            a.ConfirmationMessage,
            a.IconName,
            a.IconVariant,
            a.IsHighlighted))];
    }

    public static ImmutableArray<ResourcePropertySnapshot> SetProperty(ImmutableArray<ResourcePropertySnapshot> properties, string name, object? value, bool isSensitive = false)
    {
        var property = new ResourcePropertySnapshot(name, value) { IsSensitive = isSensitive };
        for (var i = 0; i < properties.Length; i++)
        {
            if (string.Equals(properties[i].Name, name, StringComparison.OrdinalIgnoreCase))
            {
                return properties.SetItem(i, property);
            }
        }

        return properties.Add(property);
    }

    public static ImmutableArray<ResourcePropertySnapshot> RemoveProperty(ImmutableArray<ResourcePropertySnapshot> properties, string name)
        => properties.RemoveAll(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether both say the same; record equality would compare the arrays by reference.</summary>
    public static bool ContentEquals(this CustomResourceSnapshot left, CustomResourceSnapshot right)
        => Scalars(left) == Scalars(right)
            && left.HealthReports.SequenceEqual(right.HealthReports)
            && left.EnvironmentVariables.SequenceEqual(right.EnvironmentVariables)
            && left.Urls.SequenceEqual(right.Urls)
            && left.Volumes.SequenceEqual(right.Volumes)
            && left.Commands.SequenceEqual(right.Commands)
            && left.Relationships.SequenceEqual(right.Relationships)
            && left.Properties.SequenceEqual(right.Properties, PropertyComparer.Instance);

    private static CustomResourceSnapshot Scalars(CustomResourceSnapshot snapshot) => snapshot with
    {
        Version = 0,
        HealthReports = [],
        EnvironmentVariables = [],
        Urls = [],
        Volumes = [],
        Commands = [],
        Relationships = [],
        Properties = [],
    };

    private sealed class PropertyComparer : IEqualityComparer<ResourcePropertySnapshot>
    {
        public static PropertyComparer Instance { get; } = new();

        public bool Equals(ResourcePropertySnapshot? x, ResourcePropertySnapshot? y)
            => x is not null && y is not null && x.Name == y.Name && x.IsSensitive == y.IsSensitive && ValueEquals(x.Value, y.Value);

        public int GetHashCode(ResourcePropertySnapshot obj) => StringComparer.Ordinal.GetHashCode(obj.Name);

        private static bool ValueEquals(object? x, object? y)
            => Equals(x, y) || (x is System.Collections.IEnumerable left and not string && y is System.Collections.IEnumerable right and not string
                && left.Cast<object?>().SequenceEqual(right.Cast<object?>()));
    }
}
