namespace Tfic.CApi;

/// <summary>What a function returns: tfic_status of tfic.h.</summary>
internal enum Status
{
    Ok = 0,
    InvalidArgument = 1,
    UnknownModel = 2,
    BadFormat = 3,
    IoError = 4,
    OutOfMemory = 5,
    InternalError = 6,
}
