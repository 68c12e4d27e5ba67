namespace Aspire.Hosting;

/// <summary>The protocols of OTLP.</summary>
public enum OtlpProtocol
{
    Grpc,
    HttpProtobuf,
    HttpJson,
}
