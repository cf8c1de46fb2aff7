package org.twine.bridge;

import android.os.ServiceSpecificException;
import org.twine.ITwine;
import org.twine.control.v1.ErrorCode;
import org.twine.jni.TwineException;

/** The one place where failures of the control socket become those of ITwine. */
final class Failures {
    private Failures() {}

    static ServiceSpecificException of(TwineException failure) {
        return new ServiceSpecificException(codeOf(failure.code()), failure.getMessage());
    }

    static ServiceSpecificException invalid(String message) {
        return new ServiceSpecificException(ITwine.ERROR_INVALID_ARGUMENT, message);
    }

    private static int codeOf(int code) {
        switch (code) {
            case ErrorCode.INVALID_ARGUMENT_VALUE:
            case TwineException.BAD_ARGUMENT:
            case TwineException.TOO_LARGE:
                return ITwine.ERROR_INVALID_ARGUMENT;
            case ErrorCode.PERMISSION_DENIED_VALUE:
                return ITwine.ERROR_PERMISSION_DENIED;
            case ErrorCode.NOT_FOUND_VALUE:
                return ITwine.ERROR_NOT_FOUND;
            case ErrorCode.BUSY_VALUE:
            case ErrorCode.SLOW_CLIENT_VALUE:
            case TwineException.NO_ROOM:
                return ITwine.ERROR_BUSY;
            case ErrorCode.FAILED_PRECONDITION_VALUE:
                return ITwine.ERROR_FAILED_PRECONDITION;
            case ErrorCode.UNSUPPORTED_VALUE:
                return ITwine.ERROR_UNSUPPORTED;
            case ErrorCode.STORAGE_VALUE:
                return ITwine.ERROR_STORAGE;
            case TwineException.NOT_CONNECTED:
            case TwineException.CLOSED:
                return ITwine.ERROR_NOT_CONNECTED;
            case TwineException.RESULT_UNKNOWN:
            case TwineException.TIMED_OUT:
                return ITwine.ERROR_RESULT_UNKNOWN;
            default:
                return ITwine.ERROR_INTERNAL;
        }
    }
}
