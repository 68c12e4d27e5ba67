using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Adds and configures containers.</summary>
public static class ContainerResourceBuilderExtensions
{
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="image">The image, with or without registry and tag.</param>
    public static IResourceBuilder<ContainerResource> AddContainer(this IDistributedApplicationBuilder builder, [ResourceName] string name, string image)
        => builder.AddResource(new ContainerResource(name)).WithImage(image);

    public static IResourceBuilder<ContainerResource> AddContainer(this IDistributedApplicationBuilder builder, [ResourceName] string name, string image, string tag)
        => builder.AddResource(new ContainerResource(name)).WithImage(image, tag);

    /// <summary>Sets the image; a registry, tag or digest in it counts, <c>latest</c> otherwise.</summary>
    public static IResourceBuilder<T> WithImage<T>(this IResourceBuilder<T> builder, string image, string? tag = null)
        where T : ContainerResource
    {
        ArgumentException.ThrowIfNullOrEmpty(image);
        var parsed = ContainerImageName.Parse(image);
        if (tag is not null && (parsed.Tag ?? parsed.Digest) is not null)
        {
            throw new InvalidOperationException("Ambiguous tags - a tag was provided on both the 'tag' and 'image' parameters");
        }

        var annotation = builder.Resource.Annotations.OfType<ContainerImageAnnotation>().LastOrDefault();
        if (annotation is null)
        {
            annotation = new ContainerImageAnnotation { Image = parsed.Image };
            builder.Resource.Annotations.Add(annotation);
        }

        annotation.Image = parsed.Image;
        if (parsed.Registry is not null)
        {
            annotation.Registry = parsed.Registry;
        }

        if (parsed.Digest is not null)
        {
            annotation.SHA256 = parsed.Digest;
        }
        else
        {
            annotation.Tag = tag ?? parsed.Tag ?? annotation.Tag ?? "latest";
        }

        return builder;
    }

    public static IResourceBuilder<T> WithImageTag<T>(this IResourceBuilder<T> builder, string tag)
        where T : ContainerResource
        => builder.ChangeImage(image => image.Tag = tag);

    public static IResourceBuilder<T> WithImageRegistry<T>(this IResourceBuilder<T> builder, string? registry)
        where T : ContainerResource
        => builder.ChangeImage(image => image.Registry = registry);

    public static IResourceBuilder<T> WithImageSHA256<T>(this IResourceBuilder<T> builder, string sha256)
        where T : ContainerResource
        => builder.ChangeImage(image => image.SHA256 = sha256);

    public static IResourceBuilder<T> WithEntrypoint<T>(this IResourceBuilder<T> builder, string entrypoint)
        where T : ContainerResource
    {
        builder.Resource.Entrypoint = entrypoint;
        return builder;
    }

    /// <summary>Mounts a named volume; it outlives the container.</summary>
    public static IResourceBuilder<T> WithVolume<T>(this IResourceBuilder<T> builder, string? name, string target, bool isReadOnly = false)
        where T : ContainerResource
        => builder.WithAnnotation(new ContainerMountAnnotation(name, target, ContainerMountType.Volume, isReadOnly));

    /// <summary>Mounts a volume without a name.</summary>
    public static IResourceBuilder<T> WithVolume<T>(this IResourceBuilder<T> builder, string target)
        where T : ContainerResource
        => builder.WithAnnotation(new ContainerMountAnnotation(source: null, target, ContainerMountType.Volume, isReadOnly: false));

    /// <param name="builder">The container.</param>
    /// <param name="source">A folder or file, absolute or relative to the AppHost's folder.</param>
    /// <param name="target">Where the container sees it.</param>
    /// <param name="isReadOnly">Whether the container may not write.</param>
    public static IResourceBuilder<T> WithBindMount<T>(this IResourceBuilder<T> builder, string source, string target, bool isReadOnly = false)
        where T : ContainerResource
        => builder.WithAnnotation(new ContainerMountAnnotation(Path.GetFullPath(source, builder.ApplicationBuilder.AppHostDirectory), target, ContainerMountType.BindMount, isReadOnly));

    public static IResourceBuilder<T> WithLifetime<T>(this IResourceBuilder<T> builder, ContainerLifetime lifetime)
        where T : ContainerResource
        => builder.WithAnnotation(new ContainerLifetimeAnnotation { Lifetime = lifetime }, ResourceAnnotationMutationBehavior.Replace);

    public static IResourceBuilder<T> WithContainerName<T>(this IResourceBuilder<T> builder, string name)
        where T : ContainerResource
        => builder.WithAnnotation(new ContainerNameAnnotation { Name = name }, ResourceAnnotationMutationBehavior.Replace);

    public static IResourceBuilder<T> WithContainerRuntimeArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : ContainerResource
        => builder.WithContainerRuntimeArgs(context =>
        {
            foreach (var arg in args)
            {
                context.Args.Add(arg);
            }
        });

    public static IResourceBuilder<T> WithContainerRuntimeArgs<T>(this IResourceBuilder<T> builder, Action<ContainerRuntimeArgsCallbackContext> callback)
        where T : ContainerResource
        => builder.WithContainerRuntimeArgs(context =>
        {
            callback(context);
            return Task.CompletedTask;
        });

    public static IResourceBuilder<T> WithContainerRuntimeArgs<T>(this IResourceBuilder<T> builder, Func<ContainerRuntimeArgsCallbackContext, Task> callback)
        where T : ContainerResource
        => builder.WithAnnotation(new ContainerRuntimeArgsCallbackAnnotation(callback));

    public static IResourceBuilder<T> WithEndpointProxySupport<T>(this IResourceBuilder<T> builder, bool proxyEnabled)
        where T : ContainerResource
        => builder.WithAnnotation(new ProxySupportAnnotation { ProxyEnabled = proxyEnabled }, ResourceAnnotationMutationBehavior.Replace);

    /// <summary>Publishes the resource as a container whatever else was said.</summary>
    public static IResourceBuilder<T> PublishAsContainer<T>(this IResourceBuilder<T> builder)
        where T : ContainerResource
        => builder.WithManifestPublishingCallback(context => context.WriteContainerAsync(builder.Resource));

    private static IResourceBuilder<T> ChangeImage<T>(this IResourceBuilder<T> builder, Action<ContainerImageAnnotation> change)
        where T : ContainerResource
    {
        if (!builder.Resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var image))
        {
            throw new InvalidOperationException($"The resource '{builder.Resource.Name}' does not have a container image specified. Use WithImage to specify the container image and tag.");
        }

        change(image);
        return builder;
    }
}
